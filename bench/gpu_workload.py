"""Work for a GPU in calls of several sizes, each one a span. For bench/gpu_truth.py.

Weights are random and made from a configuration, so nothing is downloaded: what a model computes does not depend on
what it has learned. Imports are made when asked for: torch is not there where the rest of bench/ runs.
"""

import importlib
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

from opentelemetry.trace import Tracer, TracerProvider

from spanwand.instrumentation.devices import uuids_of
from spanwand.instrumentation.diffusers import DiffusersInstrumentor

Caller = Callable[[int], None]
"""Makes one call, so many units long, and returns when the GPU has done it."""
IMAGE = {"gen_ai.operation.name": "image_generation", "gen_ai.provider.name": "gpu_truth"}
TRIAL_STEPS, MOST_STEPS = 8, 200
"""Steps that are timed to know how many a unit is, and most of a unit: a scheduler has a thousand for the longest."""
PICTURES = 4
MATRIX = 8_192
DIT = {
    "num_attention_heads": 16,
    "attention_head_dim": 72,
    "in_channels": 4,
    "out_channels": 8,
    "num_layers": 28,
    "sample_size": 32,
    "patch_size": 2,
    "num_embeds_ada_norm": 1_000,
    "norm_type": "ada_norm_zero",
    "norm_elementwise_affine": False,
    "activation_fn": "gelu-approximate",
    "attention_bias": True,
}
"""The transformer of DiT-XL/2 at 256 pixels, 675 million parameters."""
VAE = {
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 2,
    "latent_channels": 4,
    "sample_size": 256,
}


class CannotRun(Exception):
    """This machine has not what it takes, for the reason given."""


class Workload(NamedTuple):
    """What a GPU is given to do."""

    what: str
    gpu: str
    """UUID as NVML spells it."""
    caller: Callable[[], Caller]
    """Called in each thread that makes calls."""


class Torch(NamedTuple):
    """The module, and the device that is worked on."""

    module: Any
    device: Any

    def stream(self) -> AbstractContextManager[Any]:
        """A queue of the GPU for one thread: work in different ones may run at the same time."""
        if self.device.type != "cuda":
            return nullcontext()
        cuda = self.module.cuda
        made: AbstractContextManager[Any] = cuda.stream(cuda.Stream(self.device))
        return made

    def wait(self) -> None:
        """Until the GPU has done what this thread asked of it."""
        if self.device.type == "cuda":
            self.module.cuda.current_stream(self.device).synchronize()


def cuda() -> Torch:
    """Torch with the first GPU it sees. Raises CannotRun."""
    try:
        torch = importlib.import_module("torch")
    except ImportError as error:
        raise CannotRun(f"torch cannot be imported: {error}") from None
    if not torch.cuda.is_available():
        raise CannotRun(f"torch {torch.__version__} sees no CUDA device")
    return Torch(torch, torch.device("cuda", 0))


def workload(torch: Torch, provider: TracerProvider, unit_s: float) -> Workload:
    """A pipeline of diffusers, watched by our instrumentation; without diffusers a loop of torch."""
    [gpu] = uuids_of(torch.device) or ("",)
    try:
        diffusers: Any = importlib.import_module("diffusers")
    except ImportError as error:
        what = f"a loop of torch {torch.module.__version__}, matrices and attention (no diffusers: {error})"
        return Workload(what, gpu, in_units(torch, looping(torch, gpu, provider), unit_s))
    DiffusersInstrumentor().instrument(tracer_provider=provider, skip_dep_check=True)
    what = f"DiTPipeline of diffusers {diffusers.__version__}, torch {torch.module.__version__}, random weights"
    return Workload(what, gpu, in_units(torch, drawing(torch, diffusers), unit_s))


def drawing(torch: Torch, diffusers: Any, **smaller: Any) -> Callable[[], Caller]:
    """Pipelines that share their models; `smaller` changes the transformer. A caller is given steps."""
    dtype = torch.module.float16 if torch.device.type == "cuda" else torch.module.float32
    transformer = diffusers.DiTTransformer2DModel(**DIT | smaller).to(torch.device, dtype).eval()
    vae = diffusers.AutoencoderKL(**VAE).to(torch.device, dtype).eval()

    def caller() -> Caller:
        pipeline = diffusers.DiTPipeline(transformer, vae, diffusers.DDIMScheduler())
        pipeline.set_progress_bar_config(disable=True)
        return lambda steps: pipeline([207] * PICTURES, num_inference_steps=steps, output_type="np")

    return caller


def looping(torch: Torch, gpu: str, provider: TracerProvider) -> Callable[[], Caller]:
    """Plain spans that name the GPU, and in each the two things a transformer spends its time on."""
    module, tracer = torch.module, provider.get_tracer("gpu_truth")

    def caller() -> Caller:
        matrix = module.randn(MATRIX, MATRIX, device=torch.device, dtype=module.float16)
        heads = module.randn(4, 16, 4_096, 64, device=torch.device, dtype=module.float16)

        def call(steps: int) -> None:
            with tracer.start_as_current_span("image_generation", attributes=IMAGE | {"spanwand.gpu": gpu}):
                for _ in range(steps):
                    module.matmul(matrix, matrix)
                    module.nn.functional.scaled_dot_product_attention(heads, heads, heads)
                torch.wait()

        return call

    return caller


def in_units(torch: Torch, caller: Callable[[], Caller], unit_s: float) -> Callable[[], Caller]:
    """The same with a unit of so many steps that it takes `unit_s` alone, on a stream of each caller's own."""

    def streamed() -> Caller:
        call, stream = caller(), torch.stream()

        def on_stream(steps: int) -> None:
            with stream:
                call(steps)
                torch.wait()

        return on_stream

    trial = streamed()
    trial(TRIAL_STEPS)  # the first one compiles and allocates
    seconds = [timed(trial, steps) for steps in (TRIAL_STEPS, 3 * TRIAL_STEPS)]
    step_s = max((seconds[1] - seconds[0]) / (2 * TRIAL_STEPS), 1e-6)
    steps = min(max(round(unit_s / step_s), 1), MOST_STEPS)

    def in_steps() -> Caller:
        call = streamed()
        return lambda units: call(units * steps)

    return in_steps


def timed(call: Caller, size: int) -> float:
    """Seconds of one call."""
    begun_s = time.perf_counter()
    call(size)
    return time.perf_counter() - begun_s


def scripted(gpu: str, tracer: Tracer, unit_s: float) -> Workload:
    """Arithmetic of the CPU under spans that name a GPU which is made up; a unit is time, not work."""

    def call(units: int) -> None:
        with tracer.start_as_current_span("image_generation", attributes=IMAGE | {"spanwand.gpu": gpu}):
            until_s = time.monotonic() + units * unit_s
            while time.monotonic() < until_s:
                sum(range(10_000))

    return Workload("arithmetic of the CPU beside a GPU that is made up: NO MEASUREMENT", gpu, lambda: call)
