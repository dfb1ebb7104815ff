"""MusicClass: see what a recording is and why, teach it new classes, check every claim."""

__version__ = "0.1.0"
