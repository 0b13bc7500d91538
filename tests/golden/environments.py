"""Environments with exactly the packages of a source: of Python, or a folder of npm. Made once, then reused."""

import shutil
import subprocess
import sys
import zlib
from pathlib import Path

from tests.golden.source import PROGRAMS, Source, Start

READY = "ready"


def environment_of(source: Source, folder: Path) -> Path:
    """The environment of a source below this folder; made if it is not there."""
    family = "node" if source.start is Start.NODE else "python"
    environment = folder / f"{family}-{zlib.crc32(repr(sorted(source.requirements)).encode()):08x}"
    if not (environment / READY).exists():
        shutil.rmtree(environment, ignore_errors=True)
        install = install_node if source.start is Start.NODE else install_python
        install(environment, source.requirements)
        (environment / READY).touch()
    return environment


def install_python(environment: Path, requirements: tuple[str, ...]) -> None:
    """A virtual environment with these versions."""
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    subprocess.run([environment / "bin/pip", "install", "--quiet", "--pre", *requirements], check=True)


def install_node(environment: Path, requirements: tuple[str, ...]) -> None:
    """A folder with these versions under `node_modules`."""
    environment.mkdir(parents=True)
    (environment / "package.json").write_text('{"private": true, "type": "module"}')
    packages = [requirement.replace("==", "@") for requirement in requirements]
    command = ["npm", "install", "--no-audit", "--no-fund", "--save-exact", "--legacy-peer-deps", "--silent"]
    subprocess.run([*command, *packages], cwd=environment, check=True)


def command_of(source: Source, environment: Path, program: tuple[str, ...]) -> list[str]:
    """How to run a program of a source. Node.js finds packages beside the script, so scripts are copied to them."""
    script, *arguments = program
    if source.start is Start.NODE:
        for module in PROGRAMS.glob("*.mjs"):
            shutil.copy(module, environment)
        return ["node", str(environment / Path(script).name), *arguments]
    python = str(environment / "bin/python")
    instrument = [str(environment / "bin" / Start.INSTRUMENT)] if source.start is Start.INSTRUMENT else []
    return [*instrument, python, script, *arguments]
