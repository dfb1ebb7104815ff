"""Lessons: what changes a project's classifiers and can be taken back; each with a card that says what it did."""
