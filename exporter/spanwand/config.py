"""What a user may write about the line and its sinks. The daemon adds its own keys (`spanwand_sidecar.config`).

Every key has a default, is checked before anything starts, and an unknown key is an error. Loading from YAML and
the environment is `spanwand.load`.
"""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from spanwand.alert_rule import AlertRule
from spanwand.media import MOST_PER_CALL
from spanwand.redact_config import RedactConfig as RedactConfig
from spanwand.references import check_root
from spanwand.section import Section as Section
from spanwand.trace_url import check_trace_url
from spanwand.wandb_places import check_project, check_server


class DeduplicateConfig(Section):
    """For how long a span is remembered, so that it counts once if it is sent again."""

    window_s: int = Field(default=300, ge=0)
    """Seconds of journal time for which spans are remembered; up to one metrics window more. 0: repeats count."""
    max_spans: int = Field(default=500_000, gt=0)
    """Model calls and roots remembered at most, 40 to 60 bytes each; the oldest are forgotten first."""
    max_journal_bytes: int = Field(default=256 << 20, gt=0)
    """Journal that is kept at most so that a restart remembers the same; a quarter of `journal.max_bytes` if less."""


class PriceConfig(Section):
    """What calls cost."""

    file: str = ""
    """YAML file with prices of your own, which go before the packaged ones (docs/cost.md). Read at the start only."""
    tolerance: float = Field(default=0.01, ge=0)
    """Share by which a reported cost may differ from the computed one, both known, before it counts as mismatched."""


class MediaConfig(Section):
    """Images beside their calls' Table rows (docs/media.md)."""

    images: Literal["off", "thumbnails", "originals"] = "off"
    """`thumbnails` shows images small, `originals` at full size; either way encoded anew, without metadata. Sounds and
    videos are then told of."""
    max_bytes: int = Field(default=16 << 20, gt=0)
    """Largest image, sound or video as it was sent."""
    max_pixels: int = Field(default=16_777_216, gt=0, le=89_478_485)
    """Most pixels of an image, width times height; each takes about 8 bytes while it is decoded."""
    max_per_call: int = Field(default=4, gt=0, le=MOST_PER_CALL)
    """Images of one call: so many columns `image`, `image_2`, … has the table. Further ones are `media_over_limit`."""
    thumbnail_px: int = Field(default=256, ge=16, le=4_096)
    """Longer side of a thumbnail."""
    allowed_roots: tuple[Annotated[str, AfterValidator(check_root)], ...] = ()
    """Folders, such as a shared volume, below which the daemon reads images that calls name by their path. Whoever can
    send spans can have images from there shown."""
    withhold_flagged: bool = True
    """Show no image of a call that a safety checker flagged or whose finish reason is `content_filter`."""

    @property
    def columns(self) -> int:
        """How many images a row has room for."""
        return 0 if self.images == "off" else self.max_per_call


class GatherConfig(Section):
    """How spans of a trace become one Request."""

    settle_s: float = Field(default=2.0, ge=0)
    """Seconds of quiet after a trace's root has ended before its Request is made."""
    idle_s: float = Field(default=60.0, gt=0)
    """Seconds without a span after which a trace whose root never came is let go."""
    hold_s: float = Field(default=10.0, ge=0)
    """Seconds for which a call of a trace that goes on waits for other spans that report the same call; at most
    `idle_s`. Calls that failed or lack their usage, and the usage of agents, wait for `idle_s`."""
    late_s: float = Field(default=60.0, gt=0)
    """Seconds after its last span for which a finished trace is remembered: a late span amends its Request."""
    max_age_s: float = Field(default=900.0, gt=0)
    """Seconds after its first span at which a trace is closed though it goes on. Its further calls are `late`."""
    max_spans: int = Field(default=100_000, gt=0)
    """Generations that may arrive, in all traces together, while one trace is held; then it is closed like that."""
    max_bytes: int = Field(default=64 << 20, gt=0)
    """The same in bytes of memory, estimated."""
    max_open_traces: int = Field(default=20_000, gt=0)
    """Traces with model calls in one window at most. Further ones get no Request, their calls are counted as
    `trace_overflow`; metrics and rows of calls have no such limit."""
    request_attributes: tuple[Annotated[str, Field(pattern=r"^([^*]+\*?|\*)$")], ...] = ()
    """Span or resource attributes (such as `comic.id`) that become extra columns of both tables. `app.*` is one column
    with all that begin so and that nothing else reads, as a JSON object of up to 32; `*` of all there are."""

    @model_validator(mode="after")
    def _remembered_long_enough(self) -> Self:
        if self.late_s < max(self.settle_s, self.idle_s):
            raise ValueError("late_s must be at least settle_s and idle_s")
        return self


class SampleConfig(Section):
    """Which generations and requests become Table rows (docs/sampling.md). Metrics always count all."""

    ratio: float = Field(default=1.0, gt=0, le=1)
    """Share of traces whose rows are kept; the same trace gives the same answer everywhere."""
    slow_s: float = Field(default=30.0, gt=0)
    """Calls and requests at least this slow are always kept."""
    slow_percentile: int = Field(default=0, ge=0, lt=100)
    """Calls above this percentile of the calls of their model before them are always kept, such as 99. 0: off."""
    rare: int = Field(default=3, ge=0)
    """In each rows interval, so many calls of each model, finish reason, kind of failure and experiment arm are always
    kept: all of what comes less often."""
    limit_by: Literal["", "service", "model", "session_id", "user"] = ""
    """Of the n-th trace with the same value of this in a rows interval, `limit / n` times `ratio` is kept."""
    limit: int = Field(default=100, gt=0)
    """Traces of one value before that begins."""
    rows_per_minute: int = Field(default=10_000, gt=0)
    """Rows of all runs together; with more, or with more than 10 Mi characters in one rows interval, a smaller share of
    traces is kept. What is always kept goes last."""


class MeasureConfig(Section):
    """Which OTLP metrics become history keys besides those that are mapped."""

    allow: tuple[str, ...] = ()
    """Names of further metrics, such as `http.server.request.duration`: `otel/<name>` in the history."""
    max_series: int = Field(default=2_000, gt=0)
    """Series of wanted metrics in one window at most; points of further ones are counted as `series_overflow`."""


class AggregateConfig(Section):
    """Windows of journal time and their limits."""

    window_s: int = Field(default=10, gt=0)
    """Length of a metrics window, one W&B history step each."""
    rows_interval_s: int = Field(default=60, gt=0)
    """Table rows are handed over at the first window end behind each multiple of this."""
    max_models: int = Field(default=50, gt=0)
    """Models with metrics of their own per run; the rest is summed exactly as `other`."""
    max_runs: int = Field(default=200, gt=0)
    """Runs (service instance and experiment arm) at once; further ones share one run named `other`."""


class TablesConfig(Section):
    """What the Tables have beside their fixed columns."""

    trace_url: Annotated[str, AfterValidator(check_trace_url)] = Field(default="", max_length=1_000)
    """Where a trace is shown, such as `https://ui.example/trace/{trace_id}?span={span_id}` with ids in hex: a column
    `trace_url` of `generations`, and of `requests`, whose span id is empty."""


class WandbConfig(Section):
    """Where runs go. The API key is never configuration: it is `WANDB_API_KEY`, its file, or netrc."""

    mode: Literal["auto", "online", "offline", "disabled"] = "auto"
    """`auto`: online if an API key is found, else offline."""
    base_url: Annotated[str, AfterValidator(check_server)] = ""
    """W&B server; empty: `WANDB_BASE_URL`, else the public one."""
    entity: str = Field(default="", pattern=r"^[^/\\#?%:\s]*$", max_length=128)
    """Team or user; empty: the key's default."""
    project: str = Field(default="spanwand", pattern=r"^[^/\\#?%:]+$", max_length=128)
    """Project of runs that ask for none."""
    allowed_projects: tuple[Annotated[str, AfterValidator(check_project)], ...] = ()
    """`entity/project` pairs that spans may ask for with `wandb.entity` and `wandb.project`."""
    run_max_age_s: int = Field(default=86_400, gt=0)
    """Age at which a run is finished and followed by a new one in its group."""
    run_idle_s: int = Field(default=3_600, gt=0)
    """Time without anything new after which a run is finished. What comes later begins a new one in its group."""
    dataset: bool = True
    """Whether a run that ends leaves all its rows as one artifact of type `dataset`, `generations-<run id>`
    (docs/export.md)."""
    init_timeout_s: float = Field(default=10.0, gt=0)
    """Longest wait for W&B when a run starts; then it is tried again later."""
    keep_s: float = Field(default=3_600.0, ge=0)
    """Seconds for which the local files of an online run are kept after W&B was verified to have it all. Offline runs
    are never removed."""
    finish_timeout_s: float = Field(default=20.0, gt=0)
    """Longest wait for an upload when a run ends; what is left stays on disk."""


class AttributionConfig(Section):
    """Whose work the GPUs did (docs/what-did-this-image-cost.md)."""

    providers: tuple[str, ...] = ("", "diffusers", "transformers", "vllm", "sglang", "tgi", "llama_cpp", "ollama")
    """Providers whose calls run on these GPUs; empty: calls that name none. Calls that name a GPU do anyway, and those
    of which a serving engine or a pipeline in the app says how long it worked."""
    horizon_s: float = Field(default=1_800.0, gt=0, le=86_400)
    """Seconds for which the time of a GPU can be divided; what a call used that is decided later is nobody's. For so
    long, and `deduplicate.window_s` before, the journal is kept. Longer than your longest calls."""
    grid_gco2e_per_kwh: float | None = Field(default=None, ge=0)
    """Grams of CO2 equivalent per kWh of electricity, times the PUE if you like; unset: no CO2e is computed."""


class GpuConfig(Section):
    """The GPUs of this pod, which the daemon reads (docs/gpu.md)."""

    reader: Literal["auto", "nvml", "scripted", "off"] = "auto"
    """`auto`: NVML where its library is found. `scripted` makes figures up, for demos and tests."""
    interval_s: float = Field(default=1.0, ge=0.05, le=60)
    """Seconds between two readings."""
    script: str = ""
    """YAML file of what the `scripted` reader reads; empty: a GPU that works and rests in turn."""
    attribution: AttributionConfig = AttributionConfig()


class InProcessConfig(Section):
    """The exporter inside an app (`OTEL_TRACES_EXPORTER=wandb`)."""

    max_queued_spans: int = Field(default=8_192, gt=0)
    """Spans that wait for the line at most; further ones are counted as `queue_full`."""
    max_pending_records: int = Field(default=20_000, gt=0)
    """History points and Table rows, of a few kilobytes each, that wait for a sink at most; then the oldest batches go,
    counted as `sink_backlog`."""
    exit_timeout_s: float = Field(default=10.0, ge=0)
    """Longest time that the app's exit is held up so that what is left can be delivered."""


class LineConfig(Section):
    """Everything the line needs, the same in the daemon and in-process."""

    deduplicate: DeduplicateConfig = DeduplicateConfig()
    price: PriceConfig = PriceConfig()
    redact: RedactConfig = RedactConfig()
    media: MediaConfig = MediaConfig()
    gather: GatherConfig = GatherConfig()
    sample: SampleConfig = SampleConfig()
    measure: MeasureConfig = MeasureConfig()
    aggregate: AggregateConfig = AggregateConfig()
    tables: TablesConfig = TablesConfig()
    alerts: tuple[AlertRule, ...] = (AlertRule(figure="dropped_spans", above=0),)
    """What is said aloud, with `run.alert` (docs/alerts.md). A list of your own replaces this one."""
    gpu: GpuConfig = GpuConfig()
    wandb: WandbConfig = WandbConfig()
    sinks: tuple[str, ...] = ("wandb",)
    """Sinks by name, in order: `wandb`, `jsonl`."""
    in_process: InProcessConfig = InProcessConfig()
