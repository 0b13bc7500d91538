"""Langfuse's wrapper of `openai`, sending to the collector as if that were Langfuse. Run: `... CASE`."""

import os
import sys

os.environ["LANGFUSE_HOST"] = os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"]

from langfuse import get_client
from langfuse.openai import OpenAI

from tests.golden.programs.openai_sdk import CASES

if __name__ == "__main__":
    CASES[sys.argv[1]](OpenAI())
    get_client().flush()
