"""Every parser bears what a coverage-guided fuzzer makes of valid input, and what once broke it."""

import pytest

from tests.faults.fuzz_targets import TARGETS
from tests.faults.fuzzing import Crash, Target, fuzz, kept, run

SEED = 20261121
EXECUTIONS = {"offer": 40, "media": 200, "layers": 200, "frames": 500}
SHORT, LONG = 1_500, 60

_each_target = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)


@_each_target
def test_what_once_broke_it_no_longer_does(target: Target) -> None:
    for path in kept(target):
        run(target, path.read_bytes())


@_each_target
def test_valid_input_is_taken_and_mutations_of_it_break_nothing(target: Target) -> None:
    for seed in target.seeds:
        target.run(seed)
    found = fuzz(target, SEED, EXECUTIONS.get(target.name, SHORT))
    assert found.corpus > len(target.seeds), "no input led to anything new: the fuzzer does not see the code"


@pytest.mark.slow
@pytest.mark.timeout(1200)
@_each_target
def test_a_long_run_breaks_nothing(target: Target) -> None:
    fuzz(target, SEED + 1, LONG * EXECUTIONS.get(target.name, SHORT))


def test_a_crash_is_found_and_told(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    """The fuzzer itself: a fault behind two branches is reached, and its input kept."""
    monkeypatch.setattr("tests.faults.fuzzing.CRASHES", tmp_path)
    parser = next(target for target in TARGETS if target.name == "rtcp")

    def faulty(data: bytes) -> None:
        for message in parser.run(data) or ():  # type: ignore[attr-defined]  # whatever the parser returns
            if type(message).__name__ == "BandwidthEstimate" and message.bits_per_second > 1 << 26:
                raise ZeroDivisionError

    target = parser._replace(run=faulty)
    with pytest.raises(Crash, match="ZeroDivisionError"):
        fuzz(target, SEED, 20_000)
    (path,) = kept(target)
    with pytest.raises(Crash):
        run(target, path.read_bytes())
