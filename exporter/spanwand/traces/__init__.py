"""What one trace is known to hold: its steps, which of them report one call, and what they add up to. `gather` asks."""
