"""MLflow's autologging, sending OTLP, around another program. Run: `... FLAVOUR[+FLAVOUR] PROGRAM CASE`."""

import os
import runpy
import sys

os.environ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] + "/v1/traces"

import mlflow

AUTOLOG = {"openai": mlflow.openai.autolog, "langchain": mlflow.langchain.autolog}

if __name__ == "__main__":
    flavours, program, case = sys.argv[1:]
    for flavour in flavours.split("+"):
        AUTOLOG[flavour]()
    sys.argv = [program, case]
    runpy.run_module(f"tests.golden.programs.{program}", run_name="__main__")
    mlflow.flush_trace_async_logging()
