"""Reads GPUs once for each line of standard input, and writes what it found as a line of JSON: samples, or why not.

A process of its own, because the library that NVML's bindings load is chosen by its environment, and because a driver
may hang.
"""

import sys

import msgspec

from spanwand.gpu.nvml import NvmlReader
from spanwand.gpu.reader import GpuUnavailable


def main() -> None:
    reader = None
    for _ in sys.stdin:
        try:
            reader = reader or NvmlReader()
            found: object = [msgspec.structs.asdict(sample) for sample in reader.read()]
        except GpuUnavailable as error:
            found = {"why": str(error), "is_absent": error.is_absent}
            if reader:
                reader.close()
            reader = None
        sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
