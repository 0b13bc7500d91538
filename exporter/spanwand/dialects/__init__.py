"""Dialects: how each family of instrumentations writes model calls, as data.

To add one: a table in `dialects/x.py`, a line here, goldens in `tests/golden/x/`.
"""

from spanwand.dialects.diffusion import DIFFUSION
from spanwand.dialects.engines import ENGINES
from spanwand.dialects.gen_ai import GEN_AI
from spanwand.dialects.langfuse import LANGFUSE
from spanwand.dialects.langsmith import LANGSMITH
from spanwand.dialects.litellm import LITELLM
from spanwand.dialects.mlflow import MLFLOW
from spanwand.dialects.openinference import OPENINFERENCE
from spanwand.dialects.openlit import OPENLIT
from spanwand.dialects.openllmetry import OPENLLMETRY
from spanwand.dialects.pydantic_ai import PYDANTIC_AI
from spanwand.dialects.spring_ai import SPRING_AI
from spanwand.dialects.table import Dialect
from spanwand.dialects.traceai import TRACEAI
from spanwand.dialects.vercel import VERCEL

DIALECTS: tuple[Dialect, ...] = (
    DIFFUSION,
    ENGINES,
    LANGFUSE,
    MLFLOW,
    LITELLM,
    LANGSMITH,
    TRACEAI,
    VERCEL,
    OPENINFERENCE,
    PYDANTIC_AI,
    OPENLIT,
    OPENLLMETRY,
    SPRING_AI,
    GEN_AI,
)
"""Every dialect, most specific first: it gives a span its `dialect`, and its keys are trusted before later ones."""
