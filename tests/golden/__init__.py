"""Golden cases: OTLP captured from named SDK versions in, canonical records out."""
