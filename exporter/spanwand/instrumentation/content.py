"""Whether prompts may stand on spans: OpenTelemetry's variable for all GenAI instrumentations."""

import os

VARIABLE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_ON_SPANS = frozenset({"true", "span_only", "span_and_event"})


def captures_content() -> bool:
    """Off unless the variable is `SPAN_ONLY`, `SPAN_AND_EVENT` or, as it once was, `true`."""
    return os.environ.get(VARIABLE, "").strip().lower() in _ON_SPANS
