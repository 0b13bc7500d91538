"""P6: prompts and pictures leave a real pipeline only if they were asked for."""

import io
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.instrumentation.conftest import REASON, THREE, Spans, said

from spanwand.instrumentation.diffusers import DiffusersInstrumentor

diffusers = pytest.importorskip("diffusers", reason=REASON)
pytestmark = pytest.mark.filterwarnings("default")  # of the libraries' own warnings

import torch  # noqa: E402
from PIL import Image  # noqa: E402
from tests.instrumentation import tiny  # noqa: E402


@contextmanager
def taking_pictures() -> Iterator[tuple[str, dict[str, bytes]]]:
    """A media channel that only keeps pixels, by the path that they were sent to."""

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            taken[self.path] = Image.open(io.BytesIO(body)).tobytes()
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    taken: dict[str, bytes] = {}
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", taken
        finally:
            server.shutdown()
            thread.join()


def until(condition: Callable[[], bool]) -> None:
    """Wait for it; for long, on a machine with other work."""
    end_s = time.monotonic() + 60
    while not condition() and time.monotonic() < end_s:
        time.sleep(0.01)


def test_a_prompt_in_a_message_is_a_prompt(instrumented: Spans) -> None:
    """P6: `diffusers` puts it there itself."""
    with pytest.raises(ValueError, match="a fox"):
        tiny.stable_diffusion()(**THREE, prompt_embeds=torch.zeros(1, 16, 32))
    call = instrumented.call()
    assert call.attributes["error.type"] == "ValueError"
    assert "fox" not in call.to_json()


@pytest.mark.parametrize(
    ("value", "is_captured"), [("", False), ("EVENT_ONLY", False), ("SPAN_ONLY", True), ("true", True)]
)
def test_prompts_only_if_asked(spans: Spans, monkeypatch: pytest.MonkeyPatch, value: str, is_captured: bool) -> None:
    """P6: OpenTelemetry's own variable."""
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", value)
    DiffusersInstrumentor().instrument(tracer_provider=spans.provider, skip_dep_check=True)
    tiny.stable_diffusion()(["a fox", "a dog"], negative_prompt=["wall", "wall"], num_inference_steps=1)
    DiffusersInstrumentor().uninstrument()
    call = said(spans.call())
    assert call.get("prompt") == ('["a fox", "a dog"]' if is_captured else None)
    assert ("negative_prompt" in call) is is_captured


@pytest.mark.parametrize("is_asked", [True, False])
def test_pictures_only_if_asked(spans: Spans, is_asked: bool) -> None:
    """P6, A5: by the ids of the call, and none that a safety checker withheld."""
    checks = {"safety_checker": tiny.strict_safety_checker(), "feature_extractor": tiny.image_processor()}
    with taking_pictures() as (endpoint, taken):
        where = {"media_endpoint": endpoint} if is_asked else {}
        DiffusersInstrumentor().instrument(tracer_provider=spans.provider, skip_dep_check=True, **where)
        tiny.stable_diffusion(**checks)(**THREE)
        made = tiny.stable_diffusion()(**THREE, num_images_per_prompt=2).images
        DiffusersInstrumentor().uninstrument()
        _, call = (span.context for span in spans.take() if span.parent is None)
        until(lambda: len(taken) == 2 * is_asked)
    folder = f"/v1/media/{call.trace_id:032x}/{call.span_id:016x}"
    expected = {f"{folder}/{index}": image.tobytes() for index, image in enumerate(made)}
    assert taken == (expected if is_asked else {})
