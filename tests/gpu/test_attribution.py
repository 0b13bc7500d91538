"""P4, P9, A2: an app whose images share a GPU: what each one used, in its rows and in its request's, and its price."""

import time
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import set_span_in_context
from tests.support.daemon import WINDOW, RunningDaemon, counted, daemon, rows, send, sums, until, updates

WATTS = 200.0
SECONDS = 2.0
LONG_S = 100.0
IMAGE = {
    "gen_ai.operation.name": "image_generation",
    "gen_ai.provider.name": "diffusers",
    "gen_ai.request.model": "tiny-diffusion",
    "diffusion.device": "cuda:0",
}
REMOTE = IMAGE | {"gen_ai.provider.name": "openai", "gen_ai.request.model": "dall-e-3"}
del REMOTE["diffusion.device"]


def files(folder: Path) -> dict[str, str]:
    """A GPU that always draws the same power, and costs 3.6 dollars an hour."""
    script, prices = folder / "gpus.yaml", folder / "prices.yaml"
    script.write_text(f"gpus:\n- phases:\n  - {{seconds: 10, power_w: {WATTS}, utilization: 0.5}}\n")
    prices.write_text("gpus:\n- gpus: ['Scripted*']\n  usd_per_hour: 3.6\n")
    return {"GPU__SCRIPT": str(script), "PRICE__FILE": str(prices)}


def draws(running: RunningDaemon, start_ns: int) -> None:
    """A comic of two images at the same time, an image of another request meanwhile, and one made elsewhere."""
    provider = TracerProvider(shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=f"http://{running.endpoints.grpc[0]}", insecure=True)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=600_000))  # all at once
    tracer, end_ns = provider.get_tracer("app"), start_ns + int(SECONDS * 1e9)
    comic = tracer.start_span("comic", start_time=start_ns)
    context = set_span_in_context(comic)
    panels = [tracer.start_span("panel", context, attributes=IMAGE, start_time=start_ns) for _ in range(2)]
    others = [tracer.start_span("image", attributes=some, start_time=start_ns) for some in (IMAGE, REMOTE)]
    for span in (*panels, *others, comic):
        span.end(end_ns)
    provider.shutdown()


def read_j(data: Path) -> float:
    return sum(points["gpu/0/energy_j"] for points in sums(updates(data)).values())


def test_images_share_the_gpu(tmp_path: Path) -> None:
    data, begun_s = tmp_path / "data", time.time()
    settings = WINDOW | {
        "GPU__READER": "scripted",
        "GPU__INTERVAL_S": "0.1",
        "GPU__ATTRIBUTION__GRID_GCO2E_PER_KWH": "360",
    }
    with daemon(data, **settings, **files(tmp_path)) as running:
        until(lambda: running.status().gpus.state == "reading", LONG_S)
        send(running, 1)  # from now on somebody lives whose history the readings are in
        start_ns = time.time_ns()
        needed_j = WATTS * (start_ns / 1e9 + SECONDS - begun_s)
        until(lambda: read_j(data) >= needed_j, LONG_S)  # so all of that time was read
        draws(running, start_ns)
        until(lambda: counted(data) == 1 and len(rows(updates(data), "generations")) == 5, LONG_S)
        running.stop()
    found = updates(data)
    third_j = pytest.approx(WATTS * SECONDS / 3, rel=1e-3)
    calls = {row["span_id"]: row for row in rows(found, "generations") if row["operation"] == "image_generation"}
    here = [row for row in calls.values() if row["provider"] == "diffusers"]
    assert [row["gpu_joules"] for row in here] == [third_j] * 3
    for row in here:
        assert row["gpu_seconds"] == pytest.approx(SECONDS / 3)
        assert (row["gpu_method"], row["gpu_devices"], row["gpu_utilization"]) == ("overlap", "0", pytest.approx(0.5))
        assert row["cost_usd"] == row["gpu_cost_usd"] == pytest.approx(SECONDS / 3 * 0.001)
        assert row["gpu_co2e_g"] == pytest.approx(WATTS * SECONDS / 3 / 10_000, rel=1e-3)
        assert row["gpu_memory_peak_bytes"] == 2 << 30
    [elsewhere] = [row for row in calls.values() if row["provider"] == "openai"]
    assert (elsewhere["gpu_seconds"], elsewhere["gpu_joules"]) == (None, None)
    [comic] = [row for row in rows(found, "requests") if row["name"] == "comic"]
    assert comic["gpu_joules"] == pytest.approx(WATTS * SECONDS * 2 / 3, rel=1e-3)
    assert comic["gpu_seconds"] == pytest.approx(SECONDS * 2 / 3)
    totals = next(points for points in sums(found).values() if "diffusion/requests" in points)
    assert totals["diffusion/gpu_joules"] == totals["gpu/0/attributed_j"] == pytest.approx(WATTS * SECONDS, rel=1e-3)
    divided_j = totals["gpu/0/attributed_j"] + totals["gpu/0/unattributed_j"]
    assert divided_j >= totals["gpu/0/energy_j"] * (1 - 1e-9)  # more, if it was read before anybody lived
