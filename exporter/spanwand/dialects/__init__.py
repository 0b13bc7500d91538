"""Dialects: how each family of instrumentations writes model calls, as data.

To add one: a table in `dialects/x.py`, a line here, goldens in `tests/golden/x/`.
"""

from spanwand.dialects.diffusion import DIFFUSION
from spanwand.dialects.gen_ai import GEN_AI
from spanwand.dialects.table import Dialect

DIALECTS: tuple[Dialect, ...] = (DIFFUSION, GEN_AI)
"""Every dialect, most specific first: it gives a span its `dialect`, and its keys are trusted before later ones."""
