"""What the line makes of a span, step by step: for people who wonder about a number. docs/explain.md."""
