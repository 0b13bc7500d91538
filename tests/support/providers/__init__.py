"""Stand-ins of the model providers' APIs on loopback: `openai(ledger)`, `anthropic(ledger)`, `gemini(ledger)`.

Each serves for as long as the block runs and gives the environment variables that point the provider's SDK to it.
"""
