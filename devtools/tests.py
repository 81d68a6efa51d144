"""Runs the test suites and says at the end what ran and what could not."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from devtools import namespace
from devtools.setup import npm
from devtools.shell import PYTHON, Stopwatch, say, status

MARKERS = {"nginx": "nginx-light", "coturn": "coturn"}
"""Marker of tests → the Debian package without which they can't run."""

SUITES = ("python", "web", "e2e")

AT_ONCE = max(1, min(4, os.cpu_count() or 1))
"""Tests mostly wait, for browsers and for each other: so many run side by side."""
ALONE = {"--pdb", "--trace", "-s"}
"""Flags of pytest that want one process. A further `-n` says how many, since the last one counts."""


def run_suites(suites: list[str], words: str, slow: bool, missing: list[str], rest: list[str]) -> int:
    """Runs the suites one after the other, all of them even when one fails; returns 1 when any failed.

    `missing`: Debian packages that could not be installed; what needs them is skipped, loudly.
    """
    watch = Stopwatch()
    runners: dict[str, Callable[[], int]] = {
        "python": lambda: _python(words, slow, missing, rest),
        "web": lambda: _web(words),
        "e2e": lambda: _end_to_end(words, slow),
    }
    results: dict[str, str] = {}
    for suite in suites:
        if suite == "e2e" and (obstacle := _obstacle(missing)):
            results[suite] = f"SKIPPED: {obstacle}"
            continue
        say(f"tests: {suite}")
        results[suite] = "passed" if runners[suite]() == 0 else "FAILED"
    for suite, result in results.items():
        say(f"{suite}: {result}")
    failed = sum(result == "FAILED" for result in results.values())
    passed = sum(result == "passed" for result in results.values())
    say(f"suites: {passed} passed, {failed} failed, {len(results) - passed - failed} skipped, in {watch}")
    return 1 if failed else 0


def _obstacle(missing: list[str]) -> str:
    """Why tests with real browsers can't run here; empty when they can."""
    if missing:
        return f"install {' '.join(missing)}"
    return "" if namespace.available() else "network namespaces need root"


def _python(words: str, slow: bool, missing: list[str], rest: list[str]) -> int:
    command: list[str] = [str(PYTHON), "-m", "pytest", "-q"]
    if not words and not ALONE.intersection(rest):
        command += ["-n", str(AT_ONCE), "--dist", "worksteal"]
    command += rest
    conditions = [] if slow else ["not slow"]
    conditions += [f"not {marker}" for marker, package in MARKERS.items() if package in missing]
    if conditions:
        command += ["-m", " and ".join(conditions)]
    if words:
        command += ["-k", words]
    result = status(*command)
    nothing_chosen = 5
    return 0 if words and result == nothing_chosen else result


def _web(words: str) -> int:
    return status(*npm(), "run", "--silent", "test", "--", *(["-t", words] if words else []))


def _end_to_end(words: str, slow: bool) -> int:
    """The files are shared out among networks of their own."""
    command = [str(PYTHON), "-m", "devtools.namespace", "node", "--test", "--test-concurrency=1"]
    if words:
        command.append(f"--test-name-pattern={words}")
    extra = {"KONSILIUM_SLOW_TESTS": "1"} if slow else None

    def run_share(number: int) -> int:
        return status(*command, f"--test-shard={number}/{AT_ONCE}", "tests/e2e/**/*.test.ts", extra=extra)

    with ThreadPoolExecutor(AT_ONCE) as shares:
        return max(shares.map(run_share, range(1, AT_ONCE + 1)))
