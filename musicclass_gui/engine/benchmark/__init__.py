"""Benchmarks: the protocols of four public works, as they were published and corrected, on the user's own copies of the data.

A protocol (`protocols`) turns a `Config` into cells; a cell is what is computed and stored on its own; `runner` does them and `runs`
keeps them. This package knows no Qt and, until something is run, no torch and no scikit-learn.
"""
