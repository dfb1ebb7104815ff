"""What the user sees and touches: draws and listens, starts no thread, writes no file, knows no torch."""
