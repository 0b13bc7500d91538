"""What sinks left on disk, read back."""
