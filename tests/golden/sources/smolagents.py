"""Agents of smolagents under OpenInference's instrumentation: the agent's span repeats what its calls used.

A model class of the user's own is not wrapped: then the agent's span is all there is.
"""

from tests.golden.source import INSTRUMENT, Gap, Source, programs
from tests.support.providers.openai import openai

SOURCES = {
    "nested/smolagents-openinference": Source(
        requirements=(
            "openinference-instrumentation-smolagents==0.1.43",
            "smolagents==1.26.0",
            "openai==3.54.0",
            *INSTRUMENT,
        ),
        programs=programs("smolagents_app.py", "agent", "agent-stream", "agent-own-model"),
        providers=(openai,),
        silent=(Gap(("cached_input_tokens",), "not read"),),
        wrong=(Gap(("calls",), "the run of the agent counts as one call", ("agent-own-model",)),),
    )
}
