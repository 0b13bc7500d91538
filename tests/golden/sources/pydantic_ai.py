"""pydantic-ai with its own spans, in the formats it can write, and Logfire around it and around `openai`."""

from tests.golden.source import INSTRUMENT, PROGRAMS, Source, Start, programs
from tests.support.providers.openai import openai

PYDANTIC_AI = ("pydantic-ai-slim[openai]==2.68.0", "openai==3.54.0", "httpx==0.28.1")
LOGFIRE = ("logfire==5.2.0", *PYDANTIC_AI)
TRACELOOP_OPENAI = ("opentelemetry-instrumentation-openai==0.62.4",)
CASES = programs(
    "pydantic_ai_app.py", "chat", "cached-and-reasoning", "stream", "responses", "embeddings", "error", "retried",
)  # fmt: skip
LOOPS = programs("pydantic_ai_app.py", "tools", "agent-in-agent")
NESTED = programs("pydantic_ai_app.py", "chat", "stream", "responses", "retried", "tools")
SDK_CASES = (
    "chat", "cached-and-reasoning", "stream", "stream-without-usage", "tools", "error", "retried", "embeddings",
    "images", "responses", "responses-stream",
)  # fmt: skip


def spans_of_its_own(version: int, cases: dict[str, tuple[str, ...]], *more: str) -> Source:
    """pydantic-ai's `InstrumentationSettings(version)`."""
    return Source(
        requirements=(*PYDANTIC_AI, *more, *INSTRUMENT),
        programs=cases,
        providers=(openai,),
        environment={"GOLDEN_PYDANTIC_AI": str(version)},
    )


def logfire(switches: str, program: str, *cases: str) -> Source:
    """Logfire with some of its instrumentations, around a program."""
    script = str(PROGRAMS / "logfire_app.py")
    started = {case: (script, switches, program, case) for case in cases}
    return Source(requirements=LOGFIRE, programs=started, providers=(openai,), start=Start.PYTHON)


SOURCES = {
    "pydantic-ai-2": spans_of_its_own(2, programs("pydantic_ai_app.py", "chat", "stream", "tools")),
    "pydantic-ai-3": spans_of_its_own(3, programs("pydantic_ai_app.py", "chat", "tools")),
    "pydantic-ai-5": spans_of_its_own(5, CASES | LOOPS),
    "pydantic-ai-6": spans_of_its_own(6, programs("pydantic_ai_app.py", "chat", "tools")),
    "logfire-openai": logfire("openai", "openai_sdk", *SDK_CASES),
    "logfire-pydantic-ai": logfire("pydantic-ai", "pydantic_ai_app", "chat", "stream", "tools"),
    "nested/pydantic-ai-traceloop-openai": spans_of_its_own(5, NESTED, *TRACELOOP_OPENAI),
    "nested/logfire-pydantic-ai-openai": logfire("openai+pydantic-ai", "pydantic_ai_app", *NESTED),
}
