"""Every source of golden cases: each module here has a table `SOURCES`; the folder of a case is its source's name."""

import importlib
import pkgutil
from collections.abc import Mapping

from tests.golden.source import Source

MODULES = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
SOURCES: Mapping[str, Source] = {name: source for module in MODULES for name, source in module.SOURCES.items()}
