"""B2, A5: rows have the columns design §5 fixes, and one type per column."""

import pytest
from tests.support.records import KEPT, LEFT, call, held, request

from spanwand.errors import ConfigError
from spanwand.operations import Operation
from spanwand.record import Cost, Failure, GpuShare, ImageParams, Params, ServiceTier, Timing, Usage
from spanwand.rows import generation_row, request_row
from spanwand.tables import CELL_MAX_CHARS, TABLES, Row, Type, columns
from spanwand.traces.counting import Counting

PYTHON_TYPES = {Type.TEXT: str, Type.WHOLE: int, Type.NUMBER: float}
SHARE = GpuShare(
    seconds=1,
    joules=2,
    method="engine",
    devices="0,1",
    uncertainty=0.25,
    memory_peak_bytes=3,
    memory_mean_bytes=2.5,
    utilization=0.5,
    cost_usd=0.1,
    co2e_g=0.2,
)
FULL_CALL = call(
    operation=Operation.IMAGE,
    provider="openai",
    response_model="gpt-image-1",
    usage=Usage(input_tokens=1, output_tokens=2, cached_input_tokens=1),
    timing=Timing(ttft_s=1),
    params=Params(service_tier=ServiceTier.BATCH),
    image=ImageParams(images=2, width=64, height=32, steps=4, guidance_scale=7, scheduler="ddim", seed=9),
    held_content=held(input="a", output="b"),
    failure=Failure("timeout", "took too long"),
    finish_reasons=("stop", "length"),
    experiment="e",
    arm="a",
    prompt_name="p",
    prompt_version="1",
    session_id="s",
    user="u",
    cost=Cost(reported_usd=2, computed_usd=1),
    gpu=SHARE,
    counting=Counting(attempt=2, rules=("retry",)),
    attributes={"comic.id": "c1", "pages": 3, "tags": ["x", "ü"]},
)
FULL_REQUEST = request(
    name="make comic",
    errors=1,
    input_tokens=1,
    output_tokens=2,
    images=3,
    cost_usd=1,
    gpu=SHARE,
    session_id="s",
    prompt_name="p",
    prompt_version="1",
    critical_path_s=1,
    documents=3,
    retrieval_score=0.5,
    experiment="e",
    arm="a",
    attributes={"comic.id": "c1", "pages": 3, "tags": ["x", "ü"]},
)
EXTRA = ("comic.id", "pages", "tags", "absent")


def by_name(table: str, row: Row) -> dict[str, object]:
    return dict(zip((column.name for column in columns(table, EXTRA)), row, strict=True))


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("generations", generation_row(FULL_CALL, KEPT, EXTRA)),
        ("generations", generation_row(call(), KEPT, EXTRA)),
        ("requests", request_row(FULL_REQUEST, KEPT, EXTRA)),
        ("requests", request_row(request(), KEPT, EXTRA)),
    ],
)
def test_a_cell_has_its_columns_type_or_nothing(table: str, row: Row) -> None:
    for column, cell in zip(columns(table, EXTRA), row, strict=True):
        assert cell is None or type(cell) is PYTHON_TYPES[column.type], column.name


def test_a_full_row_has_no_empty_cell() -> None:
    for table, row in (
        ("generations", generation_row(FULL_CALL, KEPT, EXTRA)),
        ("requests", request_row(FULL_REQUEST, KEPT, EXTRA)),
    ):
        assert [name for name, cell in by_name(table, row).items() if cell is None] == ["absent"]


def test_the_names_users_build_on() -> None:
    """Design §5."""
    fixed = {
        "generations": "trace_id span_id start_time service environment operation provider model status error_type "
        "latency_s ttft_s input_tokens output_tokens cached_input_tokens images cost_usd experiment arm session_id "
        "user gpu_seconds gpu_joules sample_weight sample_reason input output",
        "requests": "trace_id name service latency_s generations errors input_tokens output_tokens images cost_usd "
        "gpu_seconds experiment arm sample_weight sample_reason",
    }
    for table, names in fixed.items():
        assert set(names.split()) <= {column.name for column in TABLES[table]}


def test_values_of_a_generation_row() -> None:
    row = by_name("generations", generation_row(FULL_CALL, LEFT, EXTRA))
    expected = {
        "trace_id": f"{1:032x}",
        "span_id": "01" * 8,
        "start_time": "1970-01-01T00:01:40.000+00:00",
        "model": "gpt-image-1",
        "operation": "image_generation",
        "status": "error",
        "error_type": "timeout",
        "latency_s": 1.0,
        "sample_weight": 2.0,
        "finish_reasons": "stop,length",
        "comic.id": "c1",
        "pages": "3",
        "tags": '["x","ü"]',
    }
    assert expected.items() <= row.items()


def test_cells_are_bounded() -> None:
    """R22."""
    text = "x" * 1_000_000
    row = generation_row(
        call(held_content=held(input=text), request_model=text, attributes={"tags": [text]}), KEPT, EXTRA
    )
    assert max(len(cell) for cell in row if isinstance(cell, str)) <= CELL_MAX_CHARS


@pytest.mark.parametrize("start_ns", [0, 2**64 - 1])
def test_times_may_be_garbage(start_ns: int) -> None:
    """R21."""
    assert generation_row(call(start_ns=start_ns), KEPT)


@pytest.mark.parametrize("names", [("arm",), ("comic.id", "comic.id")])
def test_an_attribute_must_not_take_a_columns_name(names: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="request_attributes"):
        columns("generations", names)
