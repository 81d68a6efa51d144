"""A small coverage-guided fuzzer: inputs that lead through code in a new order are kept and changed further.

Our own rather than Atheris (libFuzzer): what is fuzzed are some hundred lines of plain Python, for which a tracer of
thirty lines finds the same branches. It is seeded, so that a run can be repeated, and runs wherever the tests run.
"""

from __future__ import annotations

import hashlib
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple

import mediaserver
from tests.faults.mutations import mutated, rearranged

CRASHES = Path(__file__).parent / "crashes"
"""`<target>/<digest>.bin`: inputs that once broke something, for ever replayed."""
_WATCHED = str(Path(mediaserver.__file__).parent)
_LARGEST_CORPUS = 2000
_FRESH = 20
"""How many of the newest inputs are as likely to be taken as all others."""

Step = tuple[CodeType, int, int]


class Target(NamedTuple):
    """Something that takes any bytes."""

    name: str
    run: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    refusals: tuple[type[Exception], ...] = ()
    """How it may say no; any other exception is a crash."""
    longest: int = 1500
    """Bytes of an input."""
    most_lines: int = 50_000
    """Lines of ours that one input may make us run: more is a way to keep a worker busy."""


class Crash(Exception):
    """An input that broke the target."""

    def __init__(self, data: bytes, problem: str) -> None:
        super().__init__(problem)
        self.data = data


@dataclass
class Trail:
    """Which line of ours was followed by which, in one run."""

    steps: set[Step] = field(default_factory=set)
    lines: int = 0
    _previous: int = 0

    def trace(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any] | None:
        return self._trace_line if frame.f_code.co_filename.startswith(_WATCHED) else None

    def _trace_line(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any]:
        if event == "line":
            self.steps.add((frame.f_code, self._previous, frame.f_lineno))
            self._previous = frame.f_lineno
            self.lines += 1
        return self._trace_line


def run(target: Target, data: bytes) -> Trail:
    """Raises `Crash`."""
    trail, before = Trail(), sys.gettrace()
    sys.settrace(trail.trace)
    try:
        target.run(data)
    except target.refusals:
        pass
    except Exception as error:
        raise Crash(data, f"{target.name}: {type(error).__name__}: {error}") from error
    finally:
        sys.settrace(before)
    if trail.lines > target.most_lines:
        raise Crash(data, f"{target.name}: {trail.lines} lines for {len(data)} bytes")
    return trail


@dataclass
class Found:
    executions: int
    steps: int
    corpus: int


def fuzz(target: Target, seed: int, executions: int) -> Found:
    """Raises the first `Crash`, after writing its input where it is replayed from then on."""
    choose = random.Random(f"{seed} {target.name}")
    known: set[Step] = set()
    corpus: list[bytes] = []
    try:
        for data in target.seeds:
            known |= run(target, data).steps
            corpus.append(data)
        for _ in range(executions):
            data = _next(choose, corpus, target.longest)
            steps = run(target, data).steps
            if not steps <= known and len(corpus) < _LARGEST_CORPUS:
                known |= steps
                corpus.append(data)
    except Crash as crash:
        keep(target, crash.data)
        raise
    return Found(executions, len(known), len(corpus))


def _next(choose: random.Random, corpus: list[bytes], longest: int) -> bytes:
    data = choose.choice(corpus[-_FRESH:] if choose.random() < 0.5 else corpus)
    for _ in range(choose.choice((1, 1, 2, 4))):
        if choose.random() < 0.3:
            data = rearranged(choose, data, choose.choice(corpus), longest)
        else:
            data = mutated(choose, data, longest)
    return data


def keep(target: Target, data: bytes) -> Path:
    folder = CRASHES / target.name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{hashlib.sha256(data).hexdigest()[:16]}.bin"
    path.write_bytes(data)
    return path


def kept(target: Target) -> list[Path]:
    return sorted((CRASHES / target.name).glob("*.bin"))
