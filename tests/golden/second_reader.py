"""A second reader of the golden corpus: W&B Weave's two OTLP endpoints, by their published attribute mappings (P3).

Keys by field, in the order in which Weave asks for them, as of weave 0.54: `TRACES` are those of `/otel/v1/traces`
(`weave/trace_server/opentelemetry/constants.py`), `AGENTS` those of `/agents/otel/v1/traces`
(`weave/trace_server/agents/semconv.py`). Both read each span on its own; a key with members stands for all below it.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from spanwand.operations import FAMILY_OF
from spanwand.record import Generation
from tests.golden.reading import CASES, Counts, answered_counts, captured_in, generations, read_counts
from tests.support.otlp_json import Json, spans_of

Keys = Mapping[str, tuple[str, ...]]

TRACES: Keys = {
    "input_tokens": (
        *("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
        *("llm.token_count.prompt", "ai.usage.promptTokens"),
    ),
    "output_tokens": (
        *("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
        *("llm.token_count.completion", "ai.usage.completionTokens"),
    ),
    "model": ("gen_ai.response.model", "gen_ai.request.model", "llm.model_name", "ai.model.id"),
    "provider": ("llm.provider", "ai.model.provider", "gen_ai.system", "llm.system"),
    "input": (
        *("ai.prompt", "gen_ai.prompt", "input.value", "mlflow.spanInputs", "gen_ai.input.messages"),
        *("pydantic_ai.all_messages", "traceloop.entity.input"),
    ),
    "output": (
        *("ai.response", "gen_ai.completion", "output.value", "gen_ai.output.messages", "mlflow.spanOutputs"),
        *("final_result", "gen_ai.content.completion", "traceloop.entity.output"),
    ),
}
AGENTS: Keys = {
    "input_tokens": ("gen_ai.usage.input_tokens",),
    "output_tokens": ("gen_ai.usage.output_tokens",),
    "cached_input_tokens": ("gen_ai.usage.cache_read.input_tokens",),
    "cache_write_input_tokens": ("gen_ai.usage.cache_creation.input_tokens",),
    "reasoning_output_tokens": ("gen_ai.usage.reasoning_tokens",),
    "model": ("gen_ai.response.model", "gen_ai.request.model"),
    "provider": ("gen_ai.provider.name", "gen_ai.system"),
    "input": ("gen_ai.input.messages", "gen_ai.prompt"),
    "output": ("gen_ai.output.messages", "gen_ai.completion"),
    "finish reason": ("gen_ai.response.finish_reasons",),
    "response id": ("gen_ai.response.id",),
}
READERS = (TRACES, AGENTS)
COUNTS = (
    *("input_tokens", "output_tokens", "cached_input_tokens", "cache_write_input_tokens"),
    *("reasoning_output_tokens", "images"),
)
OURS: Mapping[str, Callable[[Generation], object]] = {
    "model": lambda made: made.model,
    "provider": lambda made: made.provider,
    "input": lambda made: made.content.input,
    "output": lambda made: made.content.output,
    "time to the first token": lambda made: made.timing.ttft_s,
    "finish reason": lambda made: made.finish_reasons,
    "response id": lambda made: "response_id" in made.sources,
}
KEYS_OF_ONE = (
    (
        "`wandb.display_name`, `wandb.attributes`, `wandb.wb_run_step`, `weave.*`",
        "Weave",
        "what Weave's own page shows",
    ),
    ("`input`, `inputs`, `output`, `outputs`", "Weave", "texts of any span, whoever wrote them"),
    ("`langfuse.startTime`, `langfuse.endTime`", "Weave", "times of old Langfuse SDKs"),
    ("`langfuse.observation.*`", "Spanwand", "usage, cost, model, prompt and texts under Langfuse"),
    ("`mlflow.chat.tokenUsage`, `mlflow.llm.*`", "Spanwand", "usage, cost and model under MLflow"),
    ("`ai.usage.inputTokens`, `ai.response.*`", "Spanwand", "the Vercel AI SDK since version 5"),
    (
        "`gen_ai.usage.cache_read.*`, `gen_ai.usage.reasoning.*` and older names",
        "Spanwand",
        "parts of the counts; of these, Weave's endpoint for agents reads three keys",
    ),
    ("`diffusion.*`, `gen_ai.image.*`", "Spanwand", "image generation"),
)
"""Keys that one reader reads and the other does not; those of both dialect families are in the tables above."""


def compared() -> Iterator[tuple[str, ...]]:
    """Field, model calls, and of how many Spanwand and Weave's endpoints know it."""
    cases = [case for case in CASES if "+" not in case.parent.name and not captured_in(case)["unseen"]]
    answers = {case: answered_counts(captured_in(case)) for case in cases}
    for field in COUNTS:
        told = sum(1 for calls in answers.values() for call in calls if call[field])
        ours = sum(right(read_counts(case), answers[case], field) for case in cases)
        weave = (sum(right(counts_of(case, keys), answers[case], field) for case in cases) for keys in READERS)
        yield field.replace("_", " "), *map(str, (told, ours, *weave))
    made = [call for case in cases for call in generations(case) if is_call(call)]
    spans = [span for case in cases for span in calls_of(captured_in(case)["request"], generations(case))]
    for field, known in OURS.items():
        weave = (sum(any(has(span, key) for key in keys.get(field, ())) for span in spans) for keys in READERS)
        yield field, *map(str, (len(made), sum(bool(known(call)) for call in made), *weave))


def is_call(made: Generation) -> bool:
    """A model call that succeeded."""
    return made.failure is None and made.operation in FAMILY_OF


def right(read: list[Counts], answered: list[Counts], field: str) -> int:
    """Of how many calls a reader knows the count that the API answered."""
    left = [call[field] for call in read]
    found = 0
    for call in answered:
        if call[field] and call[field] in left:
            left.remove(call[field])
            found += 1
    return found


def counts_of(case: Path, keys: Keys) -> list[Counts]:
    """The counts that Weave finds on each span."""
    spans = spans_of(captured_in(case)["request"])
    return [{field: first(span, keys.get(field, ())) for field in COUNTS} for span in spans]


def calls_of(request: Json, made: list[Generation]) -> Iterator[Json]:
    """The spans of the model calls that succeeded."""
    ids = {call.span_id.hex() for call in made if is_call(call)}
    return (span for span in spans_of(request) if span["spanId"] in ids)


def first(span: Json, keys: tuple[str, ...]) -> int:
    """The first whole number among the keys; 0 if there is none."""
    for key in keys:
        for attribute in span.get("attributes", ()):
            value: dict[str, Any] = attribute["value"]
            if attribute["key"] == key and "intValue" in value:
                return int(value["intValue"])
    return 0


def has(span: Json, key: str) -> bool:
    """Whether a span has the key, or members below it."""
    return any(f"{attribute['key']}.".startswith(f"{key}.") for attribute in span.get("attributes", ()))
