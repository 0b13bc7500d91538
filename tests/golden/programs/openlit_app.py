"""OpenLIT around the `openai` program, with prices of its own file: else it asks the network. Run: `... CASE`."""

import json
import runpy
from pathlib import Path
from typing import Any

import openlit
from opentelemetry import trace

PRICES = {
    "chat": {
        "gpt-4o-mini": {"promptPrice": 0.00015, "completionPrice": 0.0006},
        "gpt-5-mini": {"promptPrice": 0.00025, "completionPrice": 0.002},
    },
    "embeddings": {"text-embedding-3-small": 0.00002},
    "images": {"gpt-image-1": {"medium": {"1024x1024": 0.042}}},
}
"""USD per thousand tokens, per thousand tokens, per image: the form of OpenLIT's own file."""

if __name__ == "__main__":
    prices = Path("prices.json")
    prices.write_text(json.dumps(PRICES))
    openlit.init(environment="golden", disable_metrics=True, pricing_json=str(prices))
    runpy.run_module("tests.golden.programs.openai_sdk", run_name="__main__")
    provider: Any = trace.get_tracer_provider()
    provider.force_flush()
