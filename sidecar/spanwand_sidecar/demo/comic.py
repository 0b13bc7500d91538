"""A novel in, a comic out: a passage is indexed and split into panels, then each panel is described and drawn.

It knows the OpenAI API and OpenTelemetry and nothing of Spanwand. Run it like any instrumented app:

    opentelemetry-instrument python comic.py --comics 12

Prints a JSON line for each finished comic, and at the end one with its own ledger of what it called and was answered.
"""

import argparse
import json
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import openai
from opentelemetry import baggage, context, trace
from opentelemetry.processor.baggage import ALLOW_ALL_BAGGAGE_KEYS, BaggageSpanProcessor

EXPERIMENT = "panel-prompts"
ARMS = {"terse": "gpt-4o-mini", "vivid": "gpt-5-mini"}
"""Prompt template -> the model it runs on."""
EMBEDDING_MODEL = "text-embedding-3-small"
IMAGE_MODEL, IMAGE_PROVIDER = "sd3.5-large", "stability"
"""Served, as gateways do, behind the images API of OpenAI."""
STEPS, GUIDANCE, SCHEDULER, WIDTH, HEIGHT = 28, 4.5, "flow_match_euler", 1024, 1024
PASSAGES = (
    "The fox climbs the harbour wall at dawn. A lamp still burns in the tower. Nobody sees her jump. The boat is gone.",
    "Old Ines winds the clock of the drowned church. It strikes thirteen. The fish stop to listen.",
    "The dragon came down to drink. Its shadow covered the mill. The miller's boy held out an apple. It bowed.",
    "Two moons rose over the desert station. The radio said her name. She answered with a song. The sand moved closer.",
    "At the end of the war the painter went home. His door was blue. His mother had painted it every year.",
)
CHARACTERS = (
    "the fox",
    "old Ines",
    "the dragon",
    "the miller's boy",
    "the radio operator",
    "the painter",
    "his mother",
)
STYLE_GUIDE = (
    "You turn a novel into a comic for young readers. Keep every character the same from panel to panel.\n"
    + (
        "\n".join(
            f"{name}: draw the same face, height and clothes in each panel, lit from the left, never cropped, "
            "with one colour of their own, a line of even weight, no text inside the picture, and a plain background "
            "where the passage names no place."
            for name in CHARACTERS
        )
    )
)
tracer = trace.get_tracer("comic")


class Ledger:
    """What the app itself counted, by arm and model: to be compared with what a dashboard shows."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], Counter[str]] = {}
        self._lock = threading.Lock()

    def add(self, arm: str, model: str, **counts: int) -> None:
        """Add one call."""
        with self._lock:
            self._counts.setdefault((arm, model), Counter()).update(requests=1, **counts)

    def lines(self) -> list[dict[str, Any]]:
        """One object for each arm and model."""
        return [{"arm": arm, "model": model, **counts} for (arm, model), counts in sorted(self._counts.items())]


class Studio:
    """The three calls a comic is made of, counted in a ledger."""

    def __init__(self, client: openai.OpenAI, ledger: Ledger) -> None:
        self._client = client
        self._ledger = ledger

    @contextmanager
    def _counting_errors(self, arm: str, model: str) -> Iterator[None]:
        try:
            yield
        except openai.APIError:
            self._ledger.add(arm, model, errors=1)
            raise

    def _add_usage(self, arm: str, model: str, usage: Any) -> None:
        details = usage.prompt_tokens_details
        self._ledger.add(
            arm,
            model,
            input_tokens=usage.prompt_tokens,
            output_tokens=usage.completion_tokens,
            cached_input_tokens=(details and details.cached_tokens) or 0,
        )

    def index(self, arm: str, passage: str) -> None:
        """Embed the passage, so that readers can find comics like it."""
        with self._counting_errors(arm, EMBEDDING_MODEL):
            answer = self._client.embeddings.create(model=EMBEDDING_MODEL, input=passage)
        self._ledger.add(arm, EMBEDDING_MODEL, input_tokens=answer.usage.prompt_tokens)

    def split(self, arm: str, passage: str) -> list[str]:
        """The sentences to draw."""
        model = ARMS[arm]
        with self._counting_errors(arm, model):
            answer = self._client.chat.completions.create(
                model=model,
                response_format={"type": "json_object"},
                messages=[{"role": "system", "content": STYLE_GUIDE}, {"role": "user", "content": passage}],
            )
        self._add_usage(arm, model, answer.usage)
        return list(json.loads(answer.choices[0].message.content or "{}")["panels"])

    def describe(self, arm: str, panel: str) -> str:
        """A drawing instruction for one panel, streamed."""
        model = ARMS[arm]
        template = "Describe in one line: {}" if arm == "terse" else "Describe light, faces and framing of: {}"
        with self._counting_errors(arm, model):
            chunks = list(
                self._client.chat.completions.create(
                    model=model,
                    stream=True,
                    stream_options={"include_usage": True},
                    messages=[{"role": "user", "content": template.format(panel)}],
                )
            )
        self._add_usage(arm, model, chunks[-1].usage)
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)

    def draw(self, arm: str, prompt: str, seed: int) -> str:
        """One picture, base64. No instrumentation covers images yet, so the app writes this span itself."""
        attributes: dict[str, str | int | float] = {
            "gen_ai.operation.name": "image_generation",
            "gen_ai.provider.name": IMAGE_PROVIDER,
            "gen_ai.request.model": IMAGE_MODEL,
            "diffusion.steps": STEPS,
            "diffusion.guidance_scale": GUIDANCE,
            "diffusion.scheduler": SCHEDULER,
            "diffusion.width": WIDTH,
            "diffusion.height": HEIGHT,
            "diffusion.seed": seed,
        }
        name = f"image_generation {IMAGE_MODEL}"
        with tracer.start_as_current_span(name, kind=trace.SpanKind.CLIENT, attributes=attributes) as span:
            with self._counting_errors(arm, IMAGE_MODEL):
                answer = self._client.images.generate(
                    model=IMAGE_MODEL, prompt=prompt, size="1024x1024", response_format="b64_json"
                )
            pictures = answer.data or []
            span.set_attribute("diffusion.image_count", len(pictures))
        self._ledger.add(arm, IMAGE_MODEL, images=len(pictures))
        return pictures[0].b64_json or ""


def passage_of(number: int) -> str:
    """The passage of a comic. Some are more than the content policy takes, for pictures or at all."""
    passage = PASSAGES[number % len(PASSAGES)]
    if number % 5 == 3:
        passage += " There is blood on the stairs."
    if number % 7 == 5:
        passage += " Gore is everywhere."
    return passage


def panels_of(studio: Studio, arm: str, passage: str) -> list[str]:
    """Split a passage; if the model refuses it, once more without its last sentence."""
    try:
        return studio.split(arm, passage)
    except openai.BadRequestError:
        return studio.split(arm, passage[: passage.rindex(". ") + 1])


def make_comic(studio: Studio, number: int) -> dict[str, Any]:
    """One comic is one trace; experiment, arm and comic id travel as baggage to every span in it."""
    arm = tuple(ARMS)[number % len(ARMS)]
    comic_id = f"comic-{number:03}"
    drawn = []
    labels = {"spanwand.experiment": EXPERIMENT, "spanwand.arm": arm, "comic.id": comic_id}
    reader = {"user.id": f"reader-{number % 4}"}
    with attached(labels), tracer.start_as_current_span("make_comic", attributes=reader):
        passage = passage_of(number)
        studio.index(arm, passage)
        panels = panels_of(studio, arm, passage)
        for index, panel in enumerate(panels):
            prompt = studio.describe(arm, panel)
            try:
                drawn.append(studio.draw(arm, prompt, seed=1000 * number + index))
            except openai.BadRequestError:
                continue
    return {"comic": comic_id, "arm": arm, "panels": len(panels), "drawn": len(drawn)}


@contextmanager
def attached(values: dict[str, str]) -> Iterator[None]:
    """Put values into the baggage of the current context."""
    current = context.get_current()
    for key, value in values.items():
        current = baggage.set_baggage(key, value, current)
    token = context.attach(current)
    try:
        yield
    finally:
        context.detach(token)


def main(arguments: Iterable[str] | None = None) -> None:
    """Make comics, several at a time."""
    parser = argparse.ArgumentParser(description="Turn passages of novels into comics.")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--comics", type=int, default=12)
    parser.add_argument("--at-once", type=int, default=4)
    options = parser.parse_args(None if arguments is None else list(arguments))
    provider: Any = trace.get_tracer_provider()
    if hasattr(provider, "add_span_processor"):
        provider.add_span_processor(BaggageSpanProcessor(ALLOW_ALL_BAGGAGE_KEYS))
    ledger = Ledger()
    studio = Studio(openai.OpenAI(), ledger)
    numbers = range(options.first, options.first + options.comics)
    with ThreadPoolExecutor(options.at_once) as pool:
        for comic in pool.map(lambda number: make_comic(studio, number), numbers):
            print(json.dumps(comic), flush=True)
    print(json.dumps({"ledger": ledger.lines(), "comics": options.comics}), flush=True)


if __name__ == "__main__":
    main()
