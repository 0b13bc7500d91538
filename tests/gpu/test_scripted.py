"""P9: GPUs that a file describes, for demos and tests."""

from pathlib import Path

import pytest

from spanwand.errors import ConfigError
from spanwand.gpu.scripted import ScriptedReader, load_script

SECOND_NS = 1_000_000_000
SCRIPT = """
gpus:
- phases:
  - {seconds: 2, power_w: 300, utilization: 1}
  - {seconds: 8, power_w: 50}
- uuid: GPU-dark
  name: no power
  phases: [{seconds: 1, power_w: null}]
"""


def test_phases_come_round_and_energy_adds_up(tmp_path: Path) -> None:
    (tmp_path / "gpus.yaml").write_text(SCRIPT)
    now_ns = 0
    reader = ScriptedReader(load_script(str(tmp_path / "gpus.yaml")), lambda: now_ns)
    found = []
    for seconds in (0, 1, 2, 6, 10, 11):
        now_ns = seconds * SECOND_NS
        first, second = reader.read()
        found.append((first.power_w, first.energy_mj))
        assert (second.uuid, second.power_w, second.energy_mj) == ("GPU-dark", None, None)
    assert found == [(300, 0), (300, 300_000), (50, 600_000), (50, 800_000), (300, 1_000_000), (300, 1_300_000)]


def test_without_a_script_there_is_a_gpu_that_works_and_rests() -> None:
    (sample,) = ScriptedReader(load_script("")).read()
    assert sample.power_w in (390, 80)
    assert sample.index == "0"


@pytest.mark.parametrize(
    "text", ["gpus: []", "gpus: [{phases: [{seconds: 0}]}]", "gpus: [{colour: red}]", "[", "[" * 5_000]
)
def test_a_script_that_is_wrong_is_one_clear_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "gpus.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"gpu\.script .*gpus\.yaml: ") as caught:
        load_script(str(path))
    assert "\n" not in str(caught.value)
    path.write_text("- a")
    with pytest.raises(ConfigError, match="the file: must be a mapping of keys to values"):
        load_script(str(path))


def test_a_script_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_script("/nowhere/gpus.yaml")
