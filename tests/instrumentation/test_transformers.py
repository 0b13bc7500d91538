"""P4, C3: spans of real text generation with `transformers`, with nothing changed in what it does."""

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.trace import StatusCode
from tests.instrumentation.conftest import REASON, Spans, said

from spanwand.instrumentation.transformers import TransformersInstrumentor

transformers = pytest.importorskip("transformers", reason=REASON)
pytest.importorskip("diffusers", reason=REASON)
pytestmark = pytest.mark.filterwarnings("default")  # of the libraries' own warnings

import torch  # noqa: E402
from tests.instrumentation import tiny  # noqa: E402

PROMPTS = torch.tensor([[2, 2, 5, 6], [7, 8, 9, 10]])
MASK = torch.tensor([[0, 0, 1, 1], [1, 1, 1, 1]])
ASKED: dict[str, Any] = {"input_ids": PROMPTS, "attention_mask": MASK, "max_new_tokens": 5}


@pytest.fixture
def instrumented(spans: Spans) -> Iterator[Spans]:
    """What a watched `transformers` makes."""
    TransformersInstrumentor().instrument(tracer_provider=spans.provider, skip_dep_check=True)
    yield spans
    TransformersInstrumentor().uninstrument()


def test_a_call_tells_its_tokens(instrumented: Spans) -> None:
    """P3, P4: without padding, in and out; one span."""
    tiny.llama().generate(**ASKED, min_new_tokens=5)
    (span,) = instrumented.take()
    call = said(span)
    assert span.name == call["operation.name"] == "text_completion"
    assert (call["usage.input_tokens"], call["usage.output_tokens"]) == (6, 10)
    assert (call["provider.name"], call["request.max_tokens"]) == ("transformers", 5)
    assert call["response.finish_reasons"] == ("length", "length")
    assert 0 < call["response.time_to_first_chunk"] < (span.end_time - span.start_time) / 1e9
    assert not {"request.temperature", "request.stream"} & call.keys()


def test_an_answer_that_ends_early_is_as_long_as_it_is(instrumented: Spans) -> None:
    """P3: what is behind the end is padding."""
    model = tiny.llama()
    plain = model.generate(**ASKED)[:, 4:]
    first = int(plain[0, 1])
    instrumented.take()
    sequences = model.generate(**ASKED, eos_token_id=first)[:, 4:].tolist()
    call = said(instrumented.call())
    expected = [row.index(first) + 1 if first in row else len(row) for row in sequences]
    assert call["usage.output_tokens"] == sum(expected)
    assert call["response.finish_reasons"][0] == "stop"


def test_a_streamer_gets_what_it_ever_got(instrumented: Spans) -> None:
    """C3: the tokens, one after the other, and the call is known as streamed."""

    class Streamer(transformers.generation.streamers.BaseStreamer):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            self.seen: list[int] = []

        def put(self, value: Any) -> None:
            self.seen += value.flatten().tolist()

        def end(self) -> None:
            self.seen.append(-1)

    streamer, prompt = Streamer(), PROMPTS[1:]
    made = tiny.llama().generate(prompt, max_new_tokens=4, min_new_tokens=4, streamer=streamer)
    assert streamer.seen == [*made[0].tolist(), -1]
    call = said(instrumented.call())
    assert call["request.stream"] is True
    assert (call["usage.input_tokens"], call["usage.output_tokens"]) == (4, 4)


WAYS: dict[str, dict[str, Any]] = {
    "beams": {"num_beams": 2},
    "sampling": {"do_sample": True, "temperature": 0.7, "top_p": 0.9},
    "several": {"num_beams": 2, "num_return_sequences": 2},
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_generate(instrumented: Spans, way: str) -> None:
    """P4."""
    more = WAYS[way]
    made = tiny.llama().generate(**ASKED, **more, min_new_tokens=5)
    call = said(instrumented.call())
    assert call["usage.output_tokens"] == 5 * len(made)
    assert call.get("request.temperature") == more.get("temperature")
    assert call.get("request.choice.count") == more.get("num_return_sequences")
    assert call["response.time_to_first_chunk"] > 0


def test_a_model_that_assists_is_no_call_of_its_own(instrumented: Spans) -> None:
    """P5."""
    model, assistant = tiny.llama(), tiny.llama()
    made = model.generate(PROMPTS[1:], max_new_tokens=6, min_new_tokens=6, assistant_model=assistant)
    (span,) = instrumented.take()
    assert said(span)["usage.output_tokens"] == made.shape[1] - 4


def test_an_encoder_and_a_decoder(instrumented: Spans) -> None:
    """P3: what is returned begins with a token that nobody made."""
    made = tiny.t5().generate(**ASKED, min_new_tokens=5, return_dict_in_generate=True)
    call = said(instrumented.call())
    assert made.sequences.shape == (2, 6)
    assert (call["usage.input_tokens"], call["usage.output_tokens"]) == (6, 10)


def test_prompts_as_embeddings(instrumented: Spans) -> None:
    """P3: how many tokens they were is not known, never 0."""
    model = tiny.llama()
    model.generate(inputs_embeds=model.get_input_embeddings()(PROMPTS[1:]), max_new_tokens=3, min_new_tokens=3)
    call = said(instrumented.call())
    assert call["usage.output_tokens"] == 3
    assert "usage.input_tokens" not in call


def test_what_is_raised_is_told_and_raised(instrumented: Spans) -> None:
    """P4."""

    def stop(*_: Any) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tiny.llama().generate(**ASKED, stopping_criteria=[stop])
    span = instrumented.call()
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"] == "KeyboardInterrupt"
    assert "gen_ai.usage.output_tokens" not in span.attributes


def test_what_it_makes_is_the_same(spans: Spans) -> None:
    """C3."""
    model = tiny.llama()
    plain = model.generate(**ASKED)
    TransformersInstrumentor().instrument(tracer_provider=spans.provider, skip_dep_check=True)
    watched = model.generate(**ASKED)
    TransformersInstrumentor().uninstrument()
    assert torch.equal(plain, watched)
    assert len(spans.take()) == 1
    model.generate(**ASKED)
    assert spans.take() == []
