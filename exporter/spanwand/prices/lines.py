"""A YAML file read into a model, with the line of everything in it: an error says where it stands."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from spanwand.errors import ConfigError
from spanwand.load import WORDS

Model = TypeVar("Model", bound=BaseModel)
Place = tuple[str | int, ...]
"""Keys and indexes that lead to a value, as pydantic names it."""
_DEEPEST = 8
"""No file that is right goes deeper."""


class _TextLoader(yaml.SafeLoader):
    """Leaves dates as texts: the model reads them, and of one that does not exist it can be said where it stands."""


_TextLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_section(model: type[Model], path: Path) -> tuple[Model, Mapping[Place, int]]:
    """The file's content, and the line of every value in it. Raises ConfigError: one line, the first problem."""
    try:
        text = path.read_text(encoding="utf-8")
        document = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.load(text, Loader=_TextLoader)  # noqa: S506  it is a safe one
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {getattr(error, 'strerror', None) or 'not UTF-8 text'}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        raise ConfigError(f"{path}{f':{mark.line + 1}' if mark else ''}: not valid YAML") from None
    lines: dict[Place, int] = {(): 1}
    for place, line in _places(document):
        if place in lines:
            raise ConfigError(f"{path}:{line}: {place[-1]} is set twice")
        lines[place] = line
    try:
        return model.model_validate({} if content is None else content), lines
    except ValidationError as error:
        raise ConfigError(_problem(error, path, lines)) from None


def _places(node: yaml.Node | None, place: Place = ()) -> Iterator[tuple[Place, int]]:
    """Every key and item below a node, with its line. An alias may make a node contain itself."""
    if len(place) >= _DEEPEST:
        return
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*place, key.value), key.start_mark.line + 1
            yield from _places(value, (*place, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield (*place, index), item.start_mark.line + 1
            yield from _places(item, (*place, index))


def _problem(error: ValidationError, path: Path, lines: Mapping[Place, int]) -> str:
    """The first problem of a file. The value is not repeated."""
    detail = error.errors(include_input=False, include_url=False)[0]
    place = detail["loc"]
    known = next(place[:end] for end in range(len(place), -1, -1) if place[:end] in lines)
    message = WORDS.get(detail["type"], detail["msg"]).removeprefix("Value error, ")
    key = ".".join(str(part) for part in (place if detail["type"] == "missing" else known)) or "the file"
    return f"{path}:{lines[known]}: {key}: {message[:1].lower()}{message[1:]}"
