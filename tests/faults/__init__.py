"""Everything that may go wrong, done on purpose (docs/faults.md). The long part is marked `faults`: `make faults`."""
