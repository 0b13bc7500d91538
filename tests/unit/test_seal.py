"""How a body is sealed (K5): only the frame that was sealed opens, and no nonce meets its key twice."""

from spanwand_sidecar.journal import Frame, FrameKind
from spanwand_sidecar.journal.frame import Damage, Header, Stored, checksum
from spanwand_sidecar.journal.seal import SALT_BYTES, SEAL_BYTES, Key, Sealer, unseal

TRACES = FrameKind.OTLP_TRACES
CANARY = b"ada.lovelace@example.org asked for a comic"
KEY = Key(b"k" * 32)


def stored(position: int, header: Header, body: bytes) -> Stored:
    return Stored(position, position + 24 + len(body), header, body)


def test_only_the_frame_that_was_sealed_opens() -> None:
    """Moved, dated back, made another kind, changed, cut or opened with another key: it does not."""
    body = b"".join(Sealer(KEY)(100, TRACES, 7, CANARY))
    header = Header(TRACES, len(body), 7, checksum(body), sealed=True)
    assert unseal(stored(100, header, body), KEY) == Frame(100, 124 + len(body), TRACES, 7, CANARY)
    changed = bytes([body[-1] ^ 1])
    wrong = [
        (stored(101, header, body), KEY),
        (stored(100, Header(TRACES, len(body), 6, 0, sealed=True), body), KEY),
        (stored(100, Header(FrameKind.COMMAND, len(body), 7, 0, sealed=True), body), KEY),
        (stored(100, header, body[:-1] + changed), KEY),
        (stored(100, header, changed + body[1:]), KEY),
        (stored(100, header, body[: SEAL_BYTES - 1]), KEY),
        (stored(100, header, b""), KEY),
        (stored(100, header, body), Key(b"j" * 32)),
        (stored(100, header, body), None),
    ]
    assert all(isinstance(unseal(*each), Damage) for each in wrong)


def test_no_two_segments_share_a_key() -> None:
    """A wiped journal begins at 0 again, with the same secret: the same nonce must not meet the same key."""
    first, second = (b"".join(Sealer(KEY)(0, TRACES, 7, CANARY)) for _ in range(2))
    assert first[:SALT_BYTES] != second[:SALT_BYTES]
    assert first[SALT_BYTES:] != second[SALT_BYTES:]


def test_a_key_is_named_without_telling_it() -> None:
    assert KEY.id == Key(b"k" * 32).id != Key(b"j" * 32).id
    assert len(KEY.id) == 16
