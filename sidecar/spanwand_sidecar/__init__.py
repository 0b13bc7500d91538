"""The daemon around the line: every thread, socket, file and clock."""
