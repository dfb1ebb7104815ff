"""Telling composers apart from piano recordings: which recordings count, how they are cut, and how composers are learned."""
