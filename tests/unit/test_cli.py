"""The command line: help without imports, configuration errors, the log's one line an event (K3, K5)."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from spanwand_sidecar import log
from spanwand_sidecar.cli import COMMANDS, spanwand_command
from spanwand_sidecar.config import Config, LogConfig


def run(*args: str, **environ: str) -> Result:
    return CliRunner().invoke(spanwand_command, args, env=environ, catch_exceptions=True)


def spanwand(*args: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from spanwand_sidecar.cli import main; main()", *args]
    return subprocess.run(command, capture_output=True, text=True, env=environ, timeout=30)


def test_help_names_every_command_and_imports_none() -> None:
    code = (
        "import sys; from spanwand_sidecar.cli import spanwand_command as c; c(['--help'], standalone_mode=False);"
        "print(*sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert all(name in out for name in COMMANDS)
    loaded = out.splitlines()[-1].split()
    assert not {"grpc", "wandb", "pydantic", "google.protobuf", "rich", "uvicorn"} & set(loaded)


def test_a_command_that_runs_has_its_garbage_collected() -> None:
    code = (
        "import gc, sys; from spanwand_sidecar import cli; from spanwand_sidecar.commands import prices;"
        "prices.prices.callback = lambda **_: print(gc.isenabled());"
        "sys.argv = ['spanwand', 'prices', 'gpt-4o']; cli.main()"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"True\n"


def test_version() -> None:
    assert run("--version").output.startswith("spanwand, version ")


def test_check_config_prints_yaml_that_is_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "spanwand.yaml"
    file.write_text("wandb:\n  project: comics # ours\nlisten: {grpc: ['127.0.0.1:0', 'unix:/run/s.sock']}\n")
    result = run("check-config", "--config", str(file), SPANWAND_AGGREGATE__WINDOW_S="5")
    assert result.exit_code == 0
    assert f"project: comics  # file {file}:2" in result.output
    assert "window_s: 5  # environment SPANWAND_AGGREGATE__WINDOW_S" in result.output
    shown = Config.model_validate(yaml.safe_load(result.output))
    assert shown.listen.grpc == ("127.0.0.1:0", "unix:/run/s.sock")
    assert shown == Config.model_validate({**yaml.safe_load(file.read_text()), "aggregate": {"window_s": 5}})


def test_check_config_names_rules_that_are_about_nothing(tmp_path: Path) -> None:
    """P6, K3: a slip in a name would leave in what the rule is there to take out."""
    names = ["gen_ai.input.mesages", "gen_ai.prompt.0.content", "comic.id", "content.*", "gen_ai.prompt", "user"]
    names += ["gen_ai.evaluation.explanation", "exception.message", "tenant.id", "attributes.tenant.id", "*"]
    names += ["app.page", "attributes.app.page"]
    rules = [{"name": f"r{at}", "attribute": name} for at, name in enumerate(names)]
    file = tmp_path / "spanwand.yaml"
    gather = {"request_attributes": ["tenant.id", "app.*"]}
    file.write_text(yaml.safe_dump({"redact": {"rules": rules}, "gather": gather}))
    said = run("check-config", "--config", str(file)).stderr.splitlines()
    assert [line.split(": ")[1] for line in said] == ["redact rule r0", "redact rule r1", "redact rule r2"]
    assert "gen_ai.input.mesages" in said[0]


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("SPANWAND_WANDB__MOD", "online", "spanwand: unknown variable SPANWAND_WANDB__MOD; did you mean"),
        ("SPANWAND_SINKS", "jsonl,kafka", "spanwand: sinks: there is no sink 'kafka'; there are jsonl,"),
        ("SPANWAND_SINKS", "jsonl,jsonl", "spanwand: sinks: 'jsonl' is there twice"),
        ("SPANWAND_LISTEN__HTTP", "0.0.0.0:4318", "spanwand: listen.http: 0.0.0.0:4318 is not loopback"),
        ("SPANWAND_PRICE__FILE", "/nowhere.yaml", "spanwand: cannot read /nowhere.yaml: No such file"),
        ("SPANWAND_CONFIG", "/nowhere.yaml", "spanwand: cannot read /nowhere.yaml: No such file"),
    ],
)
@pytest.mark.parametrize("command", ["check-config", "up"])
def test_a_wrong_configuration_is_one_line_and_exit_code_2(
    command: str, variable: str, value: str, message: str, tmp_path: Path
) -> None:
    result = spanwand(command, **{variable: value, "HOME": str(tmp_path)})
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(message)
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == [], "nothing has started"


def test_status_without_a_daemon(tmp_path: Path) -> None:
    result = spanwand("status", "--data-dir", str(tmp_path), "--admin", "127.0.0.1:1")
    assert result.returncode == 1
    assert result.stderr.startswith("spanwand: no daemon answers at 127.0.0.1:1")
    assert result.stderr.count("\n") == 1


def test_what_the_system_refuses_is_one_line(tmp_path: Path) -> None:
    """K3: a full disk behind the output, a directory that cannot be made."""
    command = [sys.executable, "-c", "from spanwand_sidecar.cli import main; main()", "prices", "gpt-4o"]
    with Path("/dev/full").open("wb") as full:
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=30)
    assert (result.returncode, result.stderr) == (1, "spanwand: output: No space left on device\n")


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_a_sender_wrote_stays_on_one_line(form: str) -> None:
    """R22: no line of its own, no colours."""
    hostile = 'model\r\n2026 level=error message=forged \x1b[31m\u202e\x00 "quoted" \u2028'
    formatter = log.LineFormatter(log.FORMATS[form])
    record = logging.LogRecord("spanwand", logging.WARNING, "", 0, "refused %s", (hostile,), None)
    line = formatter.format(record)
    assert line.isascii()
    assert line.isprintable()
    if form == "json":
        assert json.loads(line)["message"] == f"refused {hostile}"
    else:
        assert json.loads(line.split(" message=", 1)[1]) == f"refused {hostile}"


def test_the_log_says_seldom_what_happens_often(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    seldom = log.Seldom(60, lambda: now[0])
    for second in (0, 1, 2, 61):
        now[0] = second
        seldom.warning("kind", "refused %d", second)
    assert [record.getMessage() for record in caplog.records] == [
        "refused 0",
        "refused 61 (and 2 more like it before)",
    ]


def test_log_levels(capsys: pytest.CaptureFixture[str]) -> None:
    root, before = logging.getLogger(), (logging.getLogger().handlers[:], logging.getLogger().level, log.LOG.level)
    try:
        log.start(LogConfig(level="warning"))
        log.LOG.info("hidden")
        logging.getLogger("spanwand.sinks").warning("shown")
    finally:
        root.handlers[:], level, own = before
        root.setLevel(level)
        log.LOG.setLevel(own)
    shown = capsys.readouterr().err
    assert "level=warning logger=spanwand.sinks message=shown" in shown
    assert "hidden" not in shown
