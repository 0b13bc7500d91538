"""Logfire, sending to a plain OTLP endpoint, around another program. Run: `... SWITCH[+SWITCH] PROGRAM CASE`."""

import runpy
import sys

import logfire

INSTRUMENT = {"openai": logfire.instrument_openai, "pydantic-ai": logfire.instrument_pydantic_ai}

if __name__ == "__main__":
    switches, program, case = sys.argv[1:]
    logfire.configure(send_to_logfire=False, service_name="golden", console=False, inspect_arguments=False)
    for switch in switches.split("+"):
        INSTRUMENT[switch]()
    sys.argv = [program, case]
    runpy.run_module(f"tests.golden.programs.{program}", run_name="__main__")
    logfire.force_flush()
