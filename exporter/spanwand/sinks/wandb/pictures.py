"""Images of rows as wandb takes them: each is a file until wandb has staged its own copy."""

import importlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from spanwand.media import Media
from spanwand.sinks.wandb import core

if TYPE_CHECKING:
    from pathlib import Path


class Pictures:
    """The images of the rows that are being logged."""

    def __init__(self) -> None:
        self._files: set[Path] = set()

    def shown(self, rows: Iterable[Sequence[object]]) -> Iterator[list[object]]:
        """The rows with a `wandb.Image` in place of each image. Raises OSError, and whatever wandb raises."""
        for row in rows:
            yield [self._image(cell) if isinstance(cell, Media) else cell for cell in row]

    def forget(self) -> None:
        """The rows are logged, or will never be."""
        for file in self._files:
            file.unlink(missing_ok=True)
        self._files.clear()

    def _image(self, media: Media) -> object:
        file = core.keep_temporary_folder() / f"{media.sha256}.jpg"
        if file not in self._files:
            file.write_bytes(media.jpeg)
            self._files.add(file)
        return importlib.import_module("wandb").Image(str(file))
