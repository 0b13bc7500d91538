"""Reads configuration: layers of settings from a YAML file (`load_file`), the environment and flags, over the defaults.

A setting is known by its dotted key, as in `wandb.mode`; its variable is `SPANWAND_WANDB__MODE`. Whatever is wrong
is one `ConfigError` of one line that says where it stands and, for an unknown name, which known one is nearest.
Values are never repeated in a message: a secret may have been put into the wrong place.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from spanwand.errors import ConfigError

PREFIX = "SPANWAND_"
RESERVED = frozenset({"SPANWAND_CONFIG", "SPANWAND_KILL_AT", "SPANWAND_APP_GPUS", "SPANWAND_MEDIA_ENDPOINT"})
"""Variables that are no setting: the file itself, the switch of the fault tests, what instrumentations are told."""

Model = TypeVar("Model", bound=BaseModel)


class Setting(NamedTuple):
    """One value and where it was written, in words for a person."""

    value: object
    origin: str


Place = tuple[int | str, ...]
Settings = Mapping[str, Setting]
"""One layer, by dotted key."""
MAPPING = "must be a mapping of keys to values"
WORDS = {
    "tuple_type": "must be a list",
    "model_type": MAPPING,
    "model_attributes_type": MAPPING,
    "extra_forbidden": "unknown key",
}
"""Of errors that pydantic tells a programmer of."""


class Loaded(NamedTuple, Generic[Model]):
    """The effective configuration, and the origin of every key that was set somewhere."""

    config: Model
    origins: Mapping[str, str]


def load(model: type[Model], *layers: Settings) -> Loaded[Model]:
    """Lay `layers` over the defaults of `model`, the strongest last. Raises ConfigError."""
    merged = {key: setting for layer in layers for key, setting in layer.items()}
    origins = {key: setting.origin for key, setting in merged.items()}
    try:
        return Loaded(model.model_validate(_tree(merged)), origins)
    except ValidationError as error:
        raise ConfigError(_explain(error, origins)) from None


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every dotted key of `model` with its field, in order of declaration."""
    for name, field in model.model_fields.items():
        section = _section(field)
        if section:
            yield from keys(section, f"{prefix}{name}.")
        else:
            yield prefix + name, field


def variable(key: str) -> str:
    """The environment variable of a dotted key."""
    return PREFIX + key.upper().replace(".", "__")


def from_environment(model: type[BaseModel], environ: Mapping[str, str]) -> Settings:
    """The settings that `environ` holds. Raises ConfigError for a `SPANWAND_` variable that is none."""
    known = {variable(key): (key, field) for key, field in keys(model)}
    layer = {}
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in RESERVED:
            continue
        if name not in known:
            raise ConfigError(f"unknown variable {name}{nearest(name, known)}")
        key, field = known[name]
        layer[key] = Setting(_from_text(environ[name], field, name), f"environment {name}")
    return layer


def _from_text(text: str, field: FieldInfo, name: str) -> object:
    """A variable's value; a list is written `a,b` or as YAML. The model converts numbers and truth values."""
    if not isinstance(field.get_default(call_default_factory=True), tuple | dict):
        return text
    if not text.lstrip().startswith(("[", "{")):
        return [part.strip() for part in text.split(",") if part.strip()]
    import yaml  # a thirtieth of a start, and most variables are plain

    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        raise ConfigError(f"{name}: not valid YAML") from None


def _section(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _tree(settings: Settings) -> dict[str, object]:
    tree: dict[str, object] = {}
    for key, setting in settings.items():
        *sections, name = key.split(".")
        branch = tree
        for section in sections:
            branch = branch.setdefault(section, {})  # type: ignore[assignment]  # only sections are put there
        branch[name] = setting.value
    return tree


def _explain(error: ValidationError, origins: Mapping[str, str]) -> str:
    """All problems in one line: key, what is wrong, where it was set."""
    found = {detail["loc"]: WORDS.get(detail["type"], detail["msg"]) for detail in error.errors(include_input=False)}
    innermost = {place: message for place, message in found.items() if not any(_is_within(o, place) for o in found)}
    return "; ".join(_problem(place, message, origins) for place, message in innermost.items())


def _is_within(place: Place, outer: Place) -> bool:
    """A list with a wrong item is also reported as too short."""
    return len(place) > len(outer) and place[: len(outer)] == outer


def _problem(place: Place, message: str, origins: Mapping[str, str]) -> str:
    key = ".".join(str(part) for part in place)
    origin = next((origins[known] for known in origins if key == known or key.startswith(f"{known}.")), "")
    message = message.removeprefix("Value error, ")
    what = f"{key}: {message[:1].lower()}{message[1:]}" if key else message
    return f"{what} ({origin})" if origin else what


def nearest(name: str, known: Iterable[str]) -> str:
    """What a name that is not known may have been meant to be, as the end of a message."""
    found = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {found[0]}?" if found else ""
