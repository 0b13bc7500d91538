"""P4, C3, P11: what can be shown of our instrumentations without the libraries that they watch."""

import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from spanwand.dialects.diffusion import DIFFUSION
from spanwand.dialects.table import Reader
from spanwand.dialects.written import KEYS, attributes
from spanwand.instrumentation.content import captures_content
from spanwand.instrumentation.diffusers.asked import CONTENT_READERS, READERS, quotes_prompt
from spanwand.instrumentation.diffusers.made import count_of, size_of
from spanwand.instrumentation.diffusers.phases import Phases, steps_of, total_s
from spanwand.instrumentation.diffusers.progress import count_items
from spanwand.instrumentation.guard import guarded
from spanwand.instrumentation.images import ImageSender
from spanwand.instrumentation.model_names import model_name
from spanwand.instrumentation.patches import Patches
from spanwand.instrumentation.transformers.answered import length_of, reason_of

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize("place", PROJECT["entry-points"]["opentelemetry_instrumentor"].values())
def test_instrumentors_are_found_and_import_nothing_that_they_watch(place: str) -> None:
    """P4: neither torch nor diffusers is installed here, and yet it can be switched on and off."""
    module, name = place.split(":")
    instrumentor = getattr(import_module(module), name)()
    instrumentor.instrument(skip_dep_check=True)
    instrumentor.uninstrument()


def test_what_is_written_is_what_is_read() -> None:
    """P4: the keys are the reader's own."""
    fields: dict[str, Any] = {
        "image.steps": 30,
        "image.guidance_scale": 7.5,
        "image.loras": ("ink",),
        "timing.denoise_s": 1.5,
    }
    read = Reader((DIFFUSION,)).read(attributes({**fields, "image.seed": None}))
    assert {f"{group}.{field}": value for group in read for field, value in read[group].items()} == fields
    assert READERS.keys() < CONTENT_READERS.keys() <= KEYS.keys()


@pytest.mark.parametrize(
    ("loaded", "expected"),
    [
        ("acme/tiny-fox", "acme/tiny-fox"),
        ("gpt2", "gpt2"),
        ("/srv/models/tiny-fox", "tiny-fox"),
        ("../models/tiny-fox", "tiny-fox"),
        ("/cache/models--acme--tiny-fox/snapshots/0a1b", "acme/tiny-fox"),
        (Path("models/of/mine/fox"), "fox"),
        ("", None),
        (None, None),
        (3, None),
    ],
)
def test_a_model_is_not_named_by_where_it_lies(loaded: object, expected: str | None) -> None:
    """P6."""
    assert model_name(loaded) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("", False), ("false", False), ("NO_CONTENT", False), ("event_only", False), ("span_only", True), ("True", True)],
)
def test_content_only_if_asked(monkeypatch: pytest.MonkeyPatch, value: str, expected: bool) -> None:
    """P6."""
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", value)
    assert captures_content() is expected


def test_prompts_are_looked_for_in_messages() -> None:
    """P6."""
    asked = {"prompt": ["a fox", ""], "negative_prompt": None, "prompt_2": "a wall", "prompt_embeds": object()}
    assert quotes_prompt("got a fox", asked)
    assert quotes_prompt("a wall?", asked)
    assert not quotes_prompt("out of memory", asked)


def test_a_hook_never_raises_and_complains_once(caplog: pytest.LogCaptureFixture) -> None:
    """C3."""

    @guarded
    def hook(number: int) -> float:
        return 1 / number

    assert (hook(2), hook(0), hook(0)) == (0.5, None, None)
    (record,) = caplog.records
    assert "ZeroDivisionError" in str(record.exc_text)


def test_patches_leave_a_class_as_it_was() -> None:
    """P4."""

    class Base:
        def own(self) -> str:
            return "base"

    class Sub(Base):
        pass

    before = dict(vars(Base)), dict(vars(Sub))
    patches = Patches()
    patches.replace(Base, "own", lambda _: "first")
    patches.replace(Base, "own", lambda _: "second")
    patches.replace(Sub, "own", lambda _: "sub")
    assert (Base().own(), Sub().own()) == ("second", "sub")
    patches.restore()
    assert (dict(vars(Base)), dict(vars(Sub))) == before


def test_steps_of_all_loops_and_parts() -> None:
    """P4: a loop around loops has no steps of its own, one that was left early has fewer than asked."""
    phases, part = Phases(), Phases()
    outer = phases.open_loop(2)
    inner = phases.open_loop(3)
    for _ in range(3):
        inner.step()
    inner.close()
    outer.step()
    early = phases.open_loop(4)
    early.step()
    early.close()
    counted = count_items(part, ("ab", None), {})
    assert counted is not None
    assert list(counted[0][0]) == ["a", "b"]
    phases.parts.append(part)
    steps = steps_of(phases)
    assert steps is not None
    assert (steps.done, steps.asked) == (6, 9)
    assert phases.loops == [inner, early]
    assert inner.interval.end_ns == inner.marks_ns[-1]
    assert early.interval.end_ns == early.closed_ns


RUN_OVER: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "position": (("ab",), {}),
    "name": ((), {"iterable": "ab"}),
    "more": (("ab", 2), {"desc": "x"}),
}


@pytest.mark.parametrize("given", RUN_OVER)
def test_a_progress_bar_gets_what_it_was_given(given: str) -> None:
    """C3: whatever parameters a pipeline of the app's own gave it."""
    (args, kwargs), phases = RUN_OVER[given], Phases()
    counted = count_items(phases, args, kwargs)
    assert counted is not None
    assert (len(counted[0]), counted[1].keys()) == (len(args), kwargs.keys())
    assert list(counted[0][0] if args else counted[1]["iterable"]) == ["a", "b"]
    (loop,) = phases.loops
    assert (loop.steps, loop.is_over) == (2, True)
    assert count_items(phases, (), {"total": 3}) is count_items(phases, (None, 3), {}) is None


def test_a_phase_that_did_not_run_is_not_known() -> None:
    phases = Phases()
    assert steps_of(phases) is None
    assert phases.decoding(1) is None
    assert total_s(phases.all_texts()) is None
    with pytest.raises(ValueError, match="no"), phases.text():
        raise ValueError("no")
    assert len(phases.texts) == 1
    assert not phases.encodes_text


def test_a_video_is_one_however_many_frames_it_has() -> None:
    """P4."""
    frame = Image.new("RGB", (32, 16))
    assert count_of([frame, frame], is_video=False) == 2
    assert count_of([frame, frame], is_video=True) == 1
    assert count_of([[frame, frame], [frame]], is_video=True) == 2
    assert count_of([], is_video=True) == count_of(None, is_video=True) == 0
    assert size_of([[frame]]) == (32, 16)
    assert size_of(None) == (None, None)


@pytest.mark.parametrize("endpoint", ["127.0.0.1:4318", "ftp://host", "http://"])
def test_an_address_that_is_none_is_refused(endpoint: str) -> None:
    with pytest.raises(ValueError, match="SPANWAND_MEDIA_ENDPOINT"):
        ImageSender(endpoint)


@pytest.mark.parametrize(
    ("answer", "most", "length", "reason"),
    [
        ([5, 6, 1, 2, 2], 5, 3, "stop"),
        ([5, 6, 7, 8, 9], 5, 5, "length"),
        ([5, 6, 7, 8, 1], 5, 5, "stop"),
        ([5, 6], 5, 2, "stop"),
        ([], None, 0, "stop"),
    ],
)
def test_an_answer_ends_where_it_says(answer: list[int], most: int | None, length: int, reason: str) -> None:
    """P3: padding is no token that was made."""
    ends = frozenset({1, 3})
    assert length_of(answer, ends) == length
    assert reason_of(answer[:length], ends, most) == reason
