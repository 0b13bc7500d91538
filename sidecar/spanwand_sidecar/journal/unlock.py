"""The key of a journal, and what is to be done if it is not there. Changes nothing before it is sure."""

from collections.abc import Iterable
from pathlib import Path

from spanwand.secret_file import SECRET_BYTES, make_secret
from spanwand_sidecar.journal.config import JournalConfig
from spanwand_sidecar.journal.errors import JournalLocked
from spanwand_sidecar.journal.frame import Frame, Stored
from spanwand_sidecar.journal.scan import read_stored
from spanwand_sidecar.journal.seal import Key, unseal
from spanwand_sidecar.journal.segment import Segment, find
from spanwand_sidecar.journal.set_aside import set_aside

FILE_NAME = "journal.key"


def unlock(directory: Path, config: JournalConfig) -> tuple[Key | None, list[Segment]]:
    """The key, if one is needed, and the segments that it opens, which are all. Raises JournalUnusable."""
    segments, path = find(directory), key_path(directory, config)
    key = read_key(path)
    shut = locked(segments, key)
    if shut and config.lost_key == "refuse":
        raise _refusal(shut, path, key)
    if key is None and config.seal != "none":
        key = _make_key(path, config)
    return key, set_aside(directory, segments, shut) if shut else segments


def key_path(directory: Path, config: JournalConfig) -> Path:
    """The file that holds the key of the journal in `directory`, or will."""
    if config.key_file:
        return Path(config.key_file).expanduser().absolute()
    data_dir = directory.absolute().parent
    key_dir = Path(config.key_dir).expanduser().absolute() if config.key_dir else Path(f"{data_dir}-keys")
    return key_dir / FILE_NAME


def read_key(path: Path) -> Key | None:
    """None if there is no such file. Raises JournalLocked if there is one that is no key."""
    try:
        secret = path.read_bytes().strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise JournalLocked(f"the journal's key {path} cannot be read: {error.strerror}") from None
    if len(secret) < SECRET_BYTES:
        raise JournalLocked(f"the journal's key {path} holds less than {SECRET_BYTES} bytes")
    return Key(secret)


def locked(segments: Iterable[Segment], key: Key | None) -> list[Segment]:
    """Those segments that `key` does not open."""
    return [segment for segment in segments if not _opens(key, segment)]


def _opens(key: Key | None, segment: Segment) -> bool:
    """By the header; if that is damaged, by the first whole frame."""
    if segment.header:
        return segment.header.key_id in (b"", key.id if key else b"")
    frames = read_stored(segment, segment.base, segment.end)
    first = next((item for item in frames if isinstance(item, Stored)), None)
    return first is None or isinstance(unseal(first, key), Frame)


def _make_key(path: Path, config: JournalConfig) -> Key | None:
    """A file that the user named has to be there: it is never made."""
    if config.key_file:
        raise JournalLocked(f"there is no journal.key_file {path}")
    try:
        make_secret(path)
    except OSError as error:
        reason = f"{error.strerror}; see journal.key_dir"
        raise JournalLocked(f"the journal's key {path} cannot be made: {reason}") from None
    return read_key(path)


def _refusal(shut: list[Segment], path: Path, key: Key | None) -> JournalLocked:
    what = f"{path} holds another key" if key else f"its key {path} is gone"
    return JournalLocked(
        f"{shut[0].path} is sealed, and {what}: put the right one back, or begin anew with journal.lost_key: set-aside,"
        " which keeps the old files"
    )
