"""Test support: stand-ins for what is outside the project (W&B, model APIs), never for our own code."""
