"""P9, C3: the worked example of docs/what-did-this-image-cost.md is what the line makes of it."""

import re
from pathlib import Path

import pytest
from tests.support.gpu_line import GpuLine

from spanwand.config import AttributionConfig, GpuConfig, LineConfig, PriceConfig

PAGE = (Path(__file__).parents[2] / "docs" / "what-did-this-image-cost.md").read_text()
COLUMNS = ("gpu_seconds", "gpu_joules", "gpu_uncertainty", "gpu_cost_usd", "gpu_co2e_g")
CELLS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("|")]
IMAGES = [cells for cells in CELLS if re.fullmatch(r"\d+ to \d+", cells[1])]
[NOBODY] = [cells for cells in CELLS if cells[0] == "nobody"]


def test_the_worked_example(tmp_path: Path) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text(
        next(text for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if "usd_per_hour" in text)
    )
    attribution = AttributionConfig(grid_gco2e_per_kwh=380)
    line = GpuLine(LineConfig(gpu=GpuConfig(attribution=attribution), price=PriceConfig(file=str(prices))))
    counter_mj = 0
    for second in range(11):
        line.reads(second, energy_mj=counter_mj, name="NVIDIA H100 80GB HBM3")
        counter_mj += 400_000 if 1 <= second < 9 else 90_000
    for image in IMAGES:
        start_s, end_s = map(float, image[1].split(" to "))
        line.called(start_s, end_s, arrival_s=10)
    rows = line.ends(60)["generations"]
    assert len(rows) == len(IMAGES) == 2
    for row, image in zip(sorted(rows, key=lambda row: str(row["start_time"])), IMAGES, strict=True):
        assert [row[name] for name in COLUMNS] == pytest.approx([float(cell) for cell in image[2:]], rel=1e-3)
    left = [line.totals["gpu/0/unattributed_s"], line.totals["gpu/0/unattributed_j"]]
    assert left == pytest.approx([float(cell) for cell in NOBODY[2:4]])
