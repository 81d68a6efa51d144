"""Runs the part of a bench that drives real browsers, and reads what it measured."""

import subprocess
from typing import TypeVar

import msgspec

from devtools.shell import PYTHON, ROOT, environment

T = TypeVar("T")


def drive_browsers(script: str, *arguments: str, result: type[T], own_network: bool = False) -> T:
    """Runs `bench/browser/<script>.ts`, whose last line on standard output is the result as JSON.

    `own_network`: in network namespaces of its own (needs root). Raises `CalledProcessError` when the script fails
    (it has said why on standard error), `msgspec.ValidationError` when the line is not a `result`.
    """
    network = [str(PYTHON), "-m", "devtools.namespace"] if own_network else []
    command = [*network, "node", str(ROOT / "bench" / "browser" / f"{script}.ts"), *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True
    )
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=result)
