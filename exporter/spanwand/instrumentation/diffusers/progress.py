"""Steps, told by the progress bar that every pipeline drives: the one thing all denoising loops have in common."""

from collections.abc import Iterable, Iterator
from typing import Any

from spanwand.instrumentation.diffusers.phases import Loop, Phases
from spanwand.instrumentation.guard import guarded


class Counted:
    """An iterable that notes a step each time the loop comes back for the next item."""

    def __init__(self, items: Iterable[Any], loop: Loop) -> None:
        self._items = items
        self._loop = loop

    def __len__(self) -> int:
        """As many as the items; TypeError if they do not know."""
        return len(self._items)  # type: ignore[arg-type]  # what has no length raises what tqdm expects

    def __iter__(self) -> Iterator[Any]:
        try:
            for item in self._items:
                yield item
                self._loop.step()
        finally:
            self._loop.close()


Arguments = tuple[tuple[Any, ...], dict[str, Any]]


@guarded
def count_items(phases: Phases, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments | None:
    """The arguments of a progress bar that runs over something, with that counted; None for one that is updated."""
    given, *others = args or (kwargs.get("iterable"),)
    if given is None:
        return None
    counted = Counted(given, phases.open_loop(_length(given)))
    return ((counted, *others), kwargs) if args else (args, {**kwargs, "iterable": counted})


@guarded
def count_updates(phases: Phases, bar: Any) -> None:
    """Note a step at each `update` of a bar, and the end at `close`. Both still do what they did."""
    loop = phases.open_loop(getattr(bar, "total", None))
    update, close = bar.update, bar.close

    def counted_update(n: float = 1) -> Any:
        if n:
            loop.step()
        return update(n)

    def counted_close() -> Any:
        loop.close()
        bar.__dict__.pop("update", None)  # no cycles are left behind
        bar.__dict__.pop("close", None)
        return close()

    bar.update, bar.close = counted_update, counted_close


def _length(items: object) -> int | None:
    """How many, if that can be told without taking them."""
    try:
        return len(items)  # type: ignore[arg-type]  # that is what is tried
    except TypeError:
        return None
