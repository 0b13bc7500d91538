"""An app that reads its GPUs, as `opentelemetry-instrument` would have it do; it ends with its standard input."""

import sys

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from spanwand.instrumentation.gpu import GpuInstrumentor


def main() -> None:
    GpuInstrumentor().instrument()
    trace.set_tracer_provider(TracerProvider(resource=Resource({"service.name": "painter"})))
    sys.stdin.read()


if __name__ == "__main__":
    main()
