"""What the program is, without how it looks: QtCore and QtGui only, no widgets, no torch."""
