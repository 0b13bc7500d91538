"""Configuration layers: precedence, origins, and errors a user can act on (B4; issue 2, item 2)."""

from pathlib import Path

import pytest

from spanwand.config import LineConfig
from spanwand.errors import ConfigError
from spanwand.load import Setting, from_environment, keys, load, variable
from spanwand.load_file import from_file
from spanwand_sidecar.config import Config


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "spanwand.yaml"


def test_defaults_have_no_origin() -> None:
    loaded = load(LineConfig)
    assert loaded.config == LineConfig()
    assert loaded.origins == {}


def test_stronger_layers_win_and_say_where_they_stand(file: Path) -> None:
    file.write_text("wandb:\n  mode: online\n  project: from-file\n  entity: team\naggregate: {window_s: 5}\n")
    environ = {"SPANWAND_WANDB__MODE": "offline", "SPANWAND_WANDB__PROJECT": "from-env", "PATH": "/bin"}
    flags = {"wandb.mode": Setting("disabled", "flag --wandb-mode")}
    loaded = load(LineConfig, from_file(LineConfig, file), from_environment(LineConfig, environ), flags)
    wandb = loaded.config.wandb
    assert (wandb.mode, wandb.project, wandb.entity) == ("disabled", "from-env", "team")
    assert loaded.config.aggregate.window_s == 5
    assert loaded.origins["wandb.mode"] == "flag --wandb-mode"
    assert loaded.origins["wandb.project"] == "environment SPANWAND_WANDB__PROJECT"
    assert loaded.origins["wandb.entity"] == f"file {file}:4"


@pytest.mark.parametrize("text", ["jsonl,wandb", " jsonl , wandb", "[jsonl, wandb]", '["jsonl", "wandb"]'])
def test_a_list_in_a_variable(text: str) -> None:
    loaded = load(LineConfig, from_environment(LineConfig, {"SPANWAND_SINKS": text}))
    assert loaded.config.sinks == ("jsonl", "wandb")


def test_every_key_has_a_variable() -> None:
    names = [variable(key) for key, _ in keys(LineConfig)]
    assert "SPANWAND_AGGREGATE__ROWS_INTERVAL_S" in names
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("wandb:\n  mod: online", ":2: unknown key 'wandb.mod'; did you mean wandb.mode?"),
        ("sampl: {ratio: 1}", ":1: unknown key 'sampl'; did you mean sample?"),
        ("wandb:\n  mode: online\n  mode: offline", ":3: wandb.mode is set twice"),
        ("wandb: {mode: online}\nwandb: {mode: offline}", ":2: wandb.mode is set twice"),
        ("wandb: online", ":1: wandb must be a mapping"),
        ("- wandb", ":1: the file must be a mapping"),
        ("wandb: [", ":1: not valid YAML"),
        ("sinks: !!python/object:os.system [x]", ":1: not valid YAML"),
        ("wandb:\n  project: 2026-13-45", ":2: not valid YAML"),
        ("sinks: " + "[" * 5_000, ": not valid YAML"),
        ('"\\x1b[31mred": 1', ":1: unknown key '\\x1b[31mred'"),
    ],
)
def test_a_wrong_file_is_one_clear_line(file: Path, text: str, message: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError) as error:
        from_file(LineConfig, file)
    assert f"{file}{message}" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("base_url", "not a url", "must be http:// or https://"),
        ("base_url", "wandb.example", "must be http:// or https://"),
        ("base_url", "https://", "must be http:// or https://"),
        ("base_url", "https://api:secret@wandb.example", "must be http:// or https://"),
        ("base_url", "https://wandb.example/?key=secret", "must be http:// or https://"),
        ("allowed_projects", ["team/comics", "x"], "must be entity/project"),
        ("allowed_projects", ["team/comics/more"], "must be entity/project"),
        ("allowed_projects", ["/comics"], "must be entity/project"),
    ],
)
def test_where_runs_cannot_go(key: str, value: object, message: str) -> None:
    """B4: found before anything starts, and not repeated."""
    with pytest.raises(ConfigError) as error:
        load(LineConfig, {f"wandb.{key}": Setting(value, "file x:1")})
    assert f"wandb.{key}" in str(error.value)
    assert f": {message}" in str(error.value)
    assert str(error.value).endswith("(file x:1)")
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("url", ["", "https://wandb.example/", "http://[::1]:8080", "http://127.0.0.1:80/wandb"])
def test_where_runs_can_go(url: str) -> None:
    places = {"wandb.base_url": url, "wandb.allowed_projects": ["team/comics", "my-team/my project"]}
    wandb = load(LineConfig, {key: Setting(value, "file x:1") for key, value in places.items()}).config.wandb
    assert wandb.base_url == url
    assert len(wandb.allowed_projects) == 2


@pytest.mark.parametrize("text", ["", "# nothing\n", "wandb:\n"])
def test_empty_files_and_sections_are_fine(file: Path, text: str) -> None:
    file.write_text(text)
    assert from_file(LineConfig, file) == {}


def test_a_missing_or_binary_file_is_an_error(file: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        from_file(LineConfig, file)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not UTF-8"):
        from_file(LineConfig, file)


def test_an_unknown_variable_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"SPANWAND_WANDB_MODE; did you mean SPANWAND_WANDB__MODE\?"):
        from_environment(LineConfig, {"SPANWAND_WANDB_MODE": "online"})
    assert from_environment(LineConfig, {"SPANWAND_CONFIG": "x.yaml"}) == {}


def test_bad_values_name_key_and_origin_but_never_the_value(file: Path) -> None:
    file.write_text("wandb: {mode: local-secret}\naggregate: {window_s: 0}\n")
    with pytest.raises(ConfigError) as error:
        load(LineConfig, from_file(LineConfig, file))
    message = str(error.value)
    assert f"wandb.mode: input should be 'auto', 'online', 'offline' or 'disabled' (file {file}:1)" in message
    assert f"aggregate.window_s: input should be greater than 0 (file {file}:2)" in message
    assert "local-secret" not in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sinks: wandb", "sinks: must be a list (file {file}:1)"),
        ("redact: {rules: [keys]}", "redact.rules.0: must be a mapping of keys to values (file {file}:1)"),
        ("in_process: {max_queued_spans: many}", "in_process.max_queued_spans: input should be a valid integer"),
        ("alerts: [{figure: error_rate, over: 1}]", "alerts.0.over: unknown key (file {file}:1)"),
        ("gather: {late_s: .inf}", "gather.late_s: input should be a finite number (file {file}:1)"),
        ("gather: {late_s: 1.0e+300}", "gather.late_s: input should be at most 1000000000 seconds (file {file}:1)"),
    ],
)
def test_a_value_of_another_kind_is_told_in_words_of_the_file(file: Path, text: str, message: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError) as error:
        load(LineConfig, from_file(LineConfig, file))
    assert message.format(file=file) in str(error.value)


def test_an_item_that_is_wrong_is_the_only_complaint() -> None:
    """Nobody cares that pydantic then counts one item less than it wants."""
    layer = from_environment(Config, {"SPANWAND_LISTEN__GRPC": "nowhere"})
    with pytest.raises(ConfigError) as error:
        load(Config, layer)
    assert str(error.value).startswith("listen.grpc.0: must be host:port")
    assert ";" not in str(error.value)
