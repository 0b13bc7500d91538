"""R16: coverage-guided fuzzing of all that looks at what a sender wrote before it is stored, and of decoding after it.

    python tests/faults/fuzz.py -runs=5000000 -timeout=1 -max_len=4096 CORPUS_DIRECTORY

For a virtual environment with `atheris`, which is no dependency, and this package. The directory needs a few requests
to begin with, a byte before each (see `one_input`). Ends at the first finding: an exception that is no refusal, or an
input that takes over a second. tests/integration/test_receive_hostile.py has the quick part, with hypothesis.
"""

import sys

import atheris

with atheris.instrument_imports(include=["spanwand", "spanwand_sidecar"]):
    from google.protobuf.message import DecodeError

    from spanwand.config import LineConfig
    from spanwand.pipeline import Pipeline
    from spanwand_sidecar.receive import Signal
    from spanwand_sidecar.receive.estimate import TooCostly, check_cost
    from spanwand_sidecar.receive.otlp_json import REQUESTS, NotOtlpJson, parsed_bytes, to_protobuf
    from spanwand_sidecar.receive.prescan import Malformed, prescan

MAX_PARTS = 1_000
MAX_COST_BYTES = 1 << 20
SIGNALS = tuple(Signal)
LINE = Pipeline(LineConfig(), b"k" * 32)


def wire(signal: Signal, body: bytes) -> None:
    """As a door does it; what it would take must not fail in the line."""
    scan = prescan(body, MAX_PARTS)
    try:
        check_cost(signal, body, MAX_COST_BYTES)
    except (TooCostly, Malformed):
        return
    if scan.ok and not scan.too_many and signal is Signal.TRACES:
        for _ in LINE.calls(body):
            pass


def json(signal: Signal, body: bytes) -> None:
    """What comes out of JSON is a request."""
    if parsed_bytes(body) > MAX_COST_BYTES:
        return
    try:
        request = to_protobuf(signal, body)
    except NotOtlpJson:
        return
    try:
        REQUESTS[signal].FromString(request)
    except DecodeError as error:
        raise AssertionError("JSON became something that is no request") from error


def one_input(data: bytes) -> None:
    """The first byte chooses the signal and the form."""
    if data:
        check = json if data[0] & 0x80 else wire
        check(SIGNALS[data[0] % len(SIGNALS)], data[1:])


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
