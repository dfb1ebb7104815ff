"""The engine: audio in, answers out, without any Qt. Importing it loads nothing heavy."""
