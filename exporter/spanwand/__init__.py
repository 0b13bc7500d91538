"""OpenTelemetry spans in, Weights & Biases runs out."""

__version__ = "0.1.0.dev0"
