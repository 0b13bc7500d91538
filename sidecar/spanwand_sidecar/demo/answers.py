"""What a model answers: a function of the request alone, so that every count is known before it is measured.

Text is counted in words, each message costs three more, and half of a long prompt counts as cached.
"""

import array
import base64
import io
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image, ImageDraw

from spanwand.record import Usage
from spanwand_sidecar.demo.models import MODELS

Body = Mapping[str, Any]
TOKENS_PER_MESSAGE = 3
CACHE_BLOCK = 128
STYLES = ("Ink and wash", "Clean line", "Charcoal", "Screen tone")
SHOTS = ("wide shot", "close-up", "from above", "over the shoulder", "silhouette")
PALETTE = ("#264653", "#2a9d8f", "#e9c46a", "#f4a261", "#e76f51")


def tokens(text: str) -> int:
    """How many tokens a text is here: its words."""
    return len(text.split())


def fingerprint(body: Body) -> int:
    """A number that is the same for the same request."""
    return zlib.crc32(json.dumps(body, sort_keys=True).encode())


def text_of(content: object) -> str:
    """The text of a message: a string, or parts of which only text ones are read."""
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) for part in content)
    return str(content or "")


def prompt_of(body: Body) -> str:
    """Everything a chat request says, for counting and for the content policy."""
    return " ".join(text_of(message.get("content")) for message in body["messages"])


def chat_text(body: Body) -> str:
    """The answer: JSON panels, one per sentence, if JSON was asked for; else a drawing instruction."""
    said = text_of(body["messages"][-1].get("content"))
    if "response_format" in body:
        sentences = [sentence.strip() for sentence in re.split(r"(?<=[.!?])\s+", said) if sentence.strip()]
        return json.dumps({"panels": sentences})
    seed = zlib.crc32(prompt_of(body).encode())
    words = f"{STYLES[seed % len(STYLES)]}, {SHOTS[seed % len(SHOTS)]}: {said}".split()
    return " ".join(words[: body.get("max_completion_tokens") or None])


def tool_calls(body: Body) -> list[dict[str, Any]]:
    """A call of the first tool offered, unless one was already answered."""
    if not body.get("tools") or body["messages"][-1]["role"] == "tool":
        return []
    function = body["tools"][0]["function"]
    arguments = dict.fromkeys(function.get("parameters", {}).get("properties", {}), "Reykjavík")
    call = {"name": function["name"], "arguments": json.dumps(arguments)}
    return [{"id": f"call_{fingerprint(body):08x}", "type": "function", "function": call}]


def chat_usage(body: Body, text: str, calls: Sequence[Body]) -> Usage:
    """Inclusive counts, as the API gives them: cached is part of input, reasoning part of output."""
    reasoning = MODELS[body["model"]].reasoning_tokens
    asked = tokens(prompt_of(body)) + TOKENS_PER_MESSAGE * (len(body["messages"]) + 1)
    said = tokens(text) + sum(tokens(call["function"]["arguments"]) + 1 for call in calls)
    return Usage(
        input_tokens=asked,
        output_tokens=said + reasoning,
        cached_input_tokens=asked // (2 * CACHE_BLOCK) * CACHE_BLOCK,
        reasoning_output_tokens=reasoning,
    )


def chat_usage_json(usage: Usage) -> dict[str, Any]:
    """Usage as chat completions spell it."""
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": (usage.input_tokens or 0) + (usage.output_tokens or 0),
        "prompt_tokens_details": {"cached_tokens": usage.cached_input_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_output_tokens},
    }


def embedding(text: str, dimensions: int) -> str:
    """A vector as base64 of 32-bit floats, which is what the SDK asks for."""
    seed = zlib.crc32(text.encode())
    values = array.array("f", (((seed >> (i % 24)) & 0xFF) / 255 - 0.5 for i in range(dimensions)))
    return base64.b64encode(values.tobytes()).decode()


def picture(prompt: str, size: str) -> str:
    """A panel as base64 of a PNG: a sky, a ground and a figure, placed by the prompt."""
    width, height = (int(side) for side in size.split("x"))
    seed = zlib.crc32(prompt.encode())
    image = Image.new("RGB", (width, height), PALETTE[seed % 5])
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, height * 2 // 3, width, height), fill=PALETTE[(seed >> 3) % 5])
    left = width * (seed % 7) // 10
    draw.ellipse((left, height // 3, left + width // 4, height * 3 // 4), fill=PALETTE[(seed >> 6) % 5])
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return base64.b64encode(out.getvalue()).decode()
