"""A user's work in one SQLite file: what is in it (`rows`, `schema`), how it is kept (`store`), and what is shown of it (`board`)."""
