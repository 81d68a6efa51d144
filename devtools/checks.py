"""Everything that must hold of the text itself, before any test runs."""

import ast
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from devtools.setup import npm
from devtools.shell import PYTHON, ROOT, VENV, Stopwatch, say, status, tracked_files

LONGEST_FILE = 400
LONGEST_FUNCTION = 60
SOURCES = {".py", ".ts", ".tsx"}

FORBIDDEN = re.compile(
    r"files\.pythonhosted\.org|registry\.(?:npmjs|yarnpkg)|(?<![\w.])pypi\.org|deb\.debian\.org"
    r"|(?<![\w./:-])/(?:home|Users|root|work)/\w"
)
"""Registry addresses, and paths of somebody's machine."""

TEXT_LIMIT = 5_000_000


def run_checks() -> int:
    """Runs every check, also after a failure; returns 1 when any failed."""
    watch = Stopwatch()
    steps: dict[str, Callable[[], bool]] = {
        "lint": lambda: _ok(VENV / "bin" / "ruff", "check", "--quiet", "."),
        "format": lambda: _ok(VENV / "bin" / "ruff", "format", "--check", "--quiet", "."),
        "types": lambda: _ok(PYTHON, "-m", "mypy", "--no-error-summary"),
        "layers": lambda: _ok(VENV / "bin" / "lint-imports", "--cache-dir", ".cache/import-linter", quiet=True),
        "generated files": lambda: _ok(PYTHON, "-m", "signaling.generated_files", "--check"),
        "web: types, lint, layers, size": lambda: _ok(*npm(), "run", "--silent", "check"),
        "end-to-end types": lambda: _ok("node", ROOT / "node_modules" / ".bin" / "tsc", "-p", "tests/e2e"),
        "locked packages are the declared ones": _lock_fits,
        "no addresses of registries or machines": _no_forbidden_text,
    }
    failed = []
    for name, step in steps.items():
        say(name)
        if not step():
            failed.append(name)
    _report_lengths()
    say(f"check: {len(steps) - len(failed)} passed, {len(failed)} failed, in {watch}")
    for name in failed:
        say(f"failed: {name}")
    return 1 if failed else 0


def _ok(*command: str | Path, quiet: bool = False) -> bool:
    return status(*command, quiet=quiet) == 0


def _lock_fits() -> bool:
    """Whether `package-lock.json` was made from the present `package.json`."""
    declared = json.loads((ROOT / "package.json").read_text())
    locked = json.loads((ROOT / "package-lock.json").read_text())["packages"][""]
    kinds = ("dependencies", "devDependencies")
    return all(declared.get(kind, {}) == locked.get(kind, {}) for kind in kinds)


def _no_forbidden_text() -> bool:
    found = [hit for path in tracked_files() if path != Path(__file__) for hit in _forbidden_in(path)]
    for hit in found:
        say(hit)
    return not found


def _forbidden_in(path: Path) -> Iterator[str]:
    if path.stat().st_size > TEXT_LIMIT:
        return
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return  # pictures and the like
    for number, line in enumerate(text.splitlines(), 1):
        if match := FORBIDDEN.search(line):
            yield f"{path.relative_to(ROOT)}:{number}: {match.group()}"


def _report_lengths() -> None:
    """Tells of files and functions that grew too long; a report, because the right cut is a matter of judgement."""
    for path in tracked_files():
        if path.suffix not in SOURCES or "generated" in path.name:
            continue
        text = path.read_text(encoding="utf-8")
        lines = text.count("\n")
        if lines > LONGEST_FILE:
            say(f"long file: {path.relative_to(ROOT)} has {lines} lines")
        if path.suffix == ".py":
            _report_functions(path, text)


def _report_functions(path: Path, text: str) -> None:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            lines = node.end_lineno - node.lineno + 1
            if lines > LONGEST_FUNCTION:
                say(f"long function: {path.relative_to(ROOT)}:{node.lineno} {node.name} has {lines} lines")
