"""Prices: the tables, what in them fits a call, and what the call costs by it. docs/cost.md says it for users."""
