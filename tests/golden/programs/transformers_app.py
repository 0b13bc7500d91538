"""A tiny model of `transformers`, watched by Spanwand's own instrumentation: `transformers_app.py CASE`.

How many tokens there were is counted here, from what was given and returned, and written where `ANSWERS` says.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from transformers import TextIteratorStreamer

from spanwand.instrumentation.transformers import TransformersInstrumentor
from tests.instrumentation import tiny

MODEL = "acme/tiny-llama"
PAD, END = 2, 1
PROMPTS = torch.tensor([[PAD, PAD, 5, 6], [7, 8, 9, 10]])
NEW = {"max_new_tokens": 6, "min_new_tokens": 6}


def answer(input_tokens: int, output_tokens: int, status: int = 200) -> None:
    """Note what a call was given and made."""
    usage = {"input_tokens": input_tokens, "output_tokens": output_tokens}
    line = json.dumps({"path": "generate", "model": MODEL, "status": status, "usage": usage})
    with Path(os.environ["ANSWERS"]).open("a") as answers:
        answers.write(line + "\n")


def llama() -> Any:
    """As if it had been loaded from a hub."""
    model = tiny.llama()
    model.config._name_or_path = MODEL
    return model


def batch() -> None:
    """Two prompts, one of them padded; one answer ends early."""
    model = llama()
    ending = int(model.generate(PROMPTS[1:], **NEW)[0, 6])  # its third token, which ends the next call
    answer(4, 6)
    mask = (PROMPTS != PAD).long()
    made = model.generate(PROMPTS, attention_mask=mask, max_new_tokens=6, eos_token_id=ending)[:, 4:].tolist()
    lengths = [row.index(ending) + 1 if ending in row else len(row) for row in made]
    answer(int(mask.sum()), sum(lengths))


def stream() -> None:
    """Sampled, and handed out token by token."""
    streamer = TextIteratorStreamer(tiny.tokenizer())
    made = llama().generate(PROMPTS[1:], **NEW, do_sample=True, temperature=0.7, top_p=0.9, streamer=streamer)
    answer(4, made.shape[1] - 4)


def assisted() -> None:
    """A second model that guesses ahead is no call."""
    made = llama().generate(PROMPTS[1:], **NEW, assistant_model=llama())
    answer(4, made.shape[1] - 4)


def error() -> None:
    """A criterion of the app's own fails."""

    def fail(*_: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    with suppress(torch.OutOfMemoryError):
        llama().generate(PROMPTS[1:], **NEW, stopping_criteria=[fail])
    answer(0, 0, status=500)


CASES: Mapping[str, Callable[[], None]] = {
    "generate-batch": batch,
    "generate-stream": stream,
    "generate-assisted": assisted,
    "generate-error": error,
}

if __name__ == "__main__":
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    TransformersInstrumentor().instrument(tracer_provider=provider)
    CASES[sys.argv[1]]()
    provider.shutdown()
