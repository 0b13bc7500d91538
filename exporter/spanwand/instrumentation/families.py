"""All classes below one, those that there are and those that there will be: every pipeline, every model."""

from collections.abc import Callable, Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any

from wrapt import register_post_import_hook

from spanwand.instrumentation.guard import guarded
from spanwand.instrumentation.patches import Patches

Wrappers = Mapping[str, Callable[[Any], Any]]
"""By the name of an attribute of a class, what makes one to be put in its place."""


def watch_once_imported(module: str, base: str, wrappers: Wrappers, patches: Patches) -> None:
    """Watch a class of a module, and all below it, from when the app imports the module: perhaps never."""

    @guarded
    def watch(imported: ModuleType) -> None:
        if patches.active:
            _watch_family(getattr(imported, base), wrappers, patches)

    register_post_import_hook(watch, module)


def _watch_family(base: type[Any], wrappers: Wrappers, patches: Patches) -> None:
    own = vars(base).get("__init_subclass__")

    @guarded
    def watch(cls: type) -> None:
        for name in wrappers.keys() & vars(cls).keys():
            if isinstance(vars(cls)[name], FunctionType | property):
                patches.replace(cls, name, wrappers[name](vars(cls)[name]))

    def watch_subclass(cls: type[Any], /, **kwargs: Any) -> None:
        inherited = own.__get__(None, cls) if own else super(base, cls).__init_subclass__
        inherited(**kwargs)
        if patches.active:
            watch(cls)

    for cls in dict.fromkeys(_family(base)):
        watch(cls)
    patches.replace(base, "__init_subclass__", classmethod(watch_subclass))


def _family(base: type[Any]) -> Iterator[type[Any]]:
    yield base
    for below in base.__subclasses__():
        yield from _family(below)
