"""Media before everything else, as far as the system allows it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from server import priority
from server.child import Role
from server.programs import node_programs
from server.settings import Settings

TRIES = """
import os
from server import priority
priority.apply(int({value}))
print(os.getpriority(os.PRIO_PROCESS, 0))
"""


def applied(value: int) -> int:
    script = TRIES.format(value=value)
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return int(ran.stdout) - os.getpriority(os.PRIO_PROCESS, 0)


@pytest.mark.parametrize("allowed", [True, False])
def test_media_workers_are_always_before_the_server(
    allowed: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(priority, "may_go_first", lambda: allowed)
    programs = node_programs(Settings(data=tmp_path, workers=2), 0, 0)
    values = {role: {one.niceness for one in programs if one.role is role} for role in {one.role for one in programs}}
    media, server = (-priority.STEP, 0) if allowed else (0, priority.STEP)
    assert values == {Role.SERVER: {server}, Role.WORKER: {media}, Role.SPARE: {media}}


def test_a_process_steps_back() -> None:
    assert applied(priority.STEP) == priority.STEP


def test_a_process_goes_first_exactly_where_it_may() -> None:
    before = os.getpriority(os.PRIO_PROCESS, 0)
    allowed = priority.may_go_first()
    assert os.getpriority(os.PRIO_PROCESS, 0) == before
    assert applied(-priority.STEP) == (-priority.STEP if allowed else 0)
