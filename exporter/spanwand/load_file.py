"""Settings from a YAML file, each with the line it stands on. A start without such a file needs none of this."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from spanwand.errors import ConfigError
from spanwand.load import MAPPING, Setting, Settings, keys, nearest

_NO_YAML = (yaml.YAMLError, ValueError, RecursionError)
"""What PyYAML raises: the second of a date that does not exist, the third of something nested too deep."""


def from_file(model: type[BaseModel], path: Path) -> Settings:
    """The settings of a YAML file. Raises ConfigError if it cannot be read, is no YAML, or has an unknown key."""
    try:
        text = path.read_text(encoding="utf-8")
        document = yaml.compose(text, Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {getattr(error, 'strerror', None) or 'not UTF-8 text'}") from None
    except _NO_YAML as error:
        raise ConfigError(f"{path}{_line(error)}: not valid YAML") from None
    layer: dict[str, Setting] = {}
    for key, node in _entries(document, dict(keys(model)), path):
        place = f"{path}:{node.start_mark.line + 1}"
        if key in layer:
            raise ConfigError(f"{place}: {key} is set twice")
        layer[key] = Setting(_construct(node, place), f"file {place}")
    return layer


def _entries(
    document: yaml.Node | None, known: Mapping[str, FieldInfo], path: Path, prefix: str = ""
) -> Iterator[tuple[str, yaml.Node]]:
    """The leaves of a document as (dotted key, value); an unknown key is refused where it stands."""
    if document is None or document.tag == "tag:yaml.org,2002:null":
        return
    if not isinstance(document, yaml.MappingNode):
        place = f"{path}:{document.start_mark.line + 1}"
        raise ConfigError(f"{place}: {prefix.rstrip('.') or 'the file'} {MAPPING}")
    for name, value in document.value:
        key = f"{prefix}{name.value}"
        if key in known:
            yield key, value
        elif any(other.startswith(f"{key}.") for other in known):
            yield from _entries(value, known, path, f"{key}.")
        else:
            place = f"{path}:{name.start_mark.line + 1}"
            sections = {other.rpartition(".")[0] for other in known}
            raise ConfigError(f"{place}: unknown key {key!a}{nearest(key, {*known, *sections})}")


def _construct(node: yaml.Node, place: str) -> object:
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node, deep=True)
    except _NO_YAML:
        raise ConfigError(f"{place}: not valid YAML") from None
    finally:
        loader.dispose()


def _line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f":{mark.line + 1}" if mark else ""
