"""The supervisor with real child processes: restarts, ready line, ending without orphans."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from server import supervisor as supervisor_module
from server.child import EXIT_CONFIGURATION, BackOff

SLEEPER = "import signal; signal.pause()"
READY = """
import os, signal
os.write({fd}, b'{"event":"ready","url":"http://x","links":[]}\\n')
signal.pause()
"""
READY_WHEN_TOLD = "import sys; assert sys.stdin.readline() == 'start\\n'" + READY
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: signal.pause()"

PARENT = """
import asyncio, os, sys
from server import child
from server.child import Program, Role
from server.supervisor import Supervisor
reader, writer = os.pipe()
child.LONGEST_DELAY_SECONDS = 0.1
server, worker, python = sys.argv[1:]
programs = [
    Program(
        Role.SERVER,
        [python, "-c", server.replace("{fd}", str(writer))],
        {},
        (writer,),
        awaits_start="readline" in server,
    ),
    Program(Role.WORKER, [sys.executable, "-c", worker], {}),
]
sys.exit(asyncio.run(Supervisor(programs, reader, json_lines=True).run()))
"""


@asynccontextmanager
async def supervisor(
    server: str, worker: str, output: Path | None = None, python: str = sys.executable
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`output`: where it says what happens, instead of pipes."""
    with ExitStack() as closing:
        stream = subprocess.PIPE if output is None else closing.enter_context(_opened(output))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PARENT, server, worker, python, stdout=stream, stderr=stream
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


def _opened(path: Path) -> BinaryIO:
    return path.open("wb", buffering=0)


async def next_event(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), 30)
    event: dict[str, Any] = json.loads(line)
    return event


async def gone(pid: int) -> None:
    """Returns when the process does not run any more (a zombie without a reaper counts as gone)."""
    async with asyncio.timeout(30):
        while _runs(pid):
            await asyncio.sleep(0.02)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def pids(ready: dict[str, Any]) -> dict[str, int]:
    return {one["role"]: one["pid"] for one in ready["processes"]}


async def test_the_ready_line_names_every_process() -> None:
    async with supervisor(READY, SLEEPER) as process:
        ready = await next_event(process)
        assert {key: ready[key] for key in ("event", "url", "links")} == {
            "event": "ready",
            "url": "http://x",
            "links": [],
        }
        assert pids(ready).keys() == {"supervisor", "server", "worker"}
        assert pids(ready)["supervisor"] == process.pid


@pytest.mark.parametrize("role", ["server", "worker"])
async def test_a_killed_child_is_started_again(role: str) -> None:
    async with supervisor(READY, SLEEPER) as process:
        ready = await next_event(process)
        before = pids(ready)[role]
        for _ in range(2):
            os.kill(before, signal.SIGKILL)
            event = await next_event(process)
            assert (event["event"], event["role"]) == ("child_restarted", role)
            assert event["pid"] != before
            assert _runs(event["pid"])
            before = event["pid"]


def children(pid: int) -> set[int]:
    return {int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


async def standby(supervising: int, known: set[int]) -> int:
    """The number of the child that is none of those known."""
    async with asyncio.timeout(30):
        while not (others := children(supervising) - known):
            await asyncio.sleep(0.02)
    [other] = others
    return other


async def test_a_second_server_stands_by_and_takes_over() -> None:
    async with supervisor(READY_WHEN_TOLD, SLEEPER) as process:
        ready = pids(await next_event(process))
        before = ready["server"]
        for _ in range(2):
            waiting = await standby(process.pid, {ready["worker"], before})
            os.kill(before, signal.SIGKILL)
            event = await next_event(process)
            assert (event["event"], event["role"], event["pid"]) == ("child_restarted", "server", waiting)
            before = waiting
        waiting = await standby(process.pid, {ready["worker"], before})
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 0
        await gone(waiting)


async def test_a_standby_that_died_is_no_obstacle() -> None:
    async with supervisor(READY_WHEN_TOLD, SLEEPER) as process:
        ready = pids(await next_event(process))
        waiting = await standby(process.pid, {ready["worker"], ready["server"]})
        os.kill(waiting, signal.SIGKILL)
        await gone(waiting)
        os.kill(ready["server"], signal.SIGKILL)
        event = await next_event(process)
        assert event["pid"] not in {waiting, ready["server"]}
        assert _runs(event["pid"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_everything(number: signal.Signals) -> None:
    async with supervisor(READY, SLEEPER) as process:
        ready = await next_event(process)
        process.send_signal(number)
        assert await asyncio.wait_for(process.wait(), 30) == 0
        for pid in pids(ready).values():
            await gone(pid)


async def ignores_termination(pid: int) -> None:
    """Returns when the process has set SIGTERM to be ignored (proc(5), SigIgn)."""
    async with asyncio.timeout(30):
        while True:
            status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
            if int(status["SigIgn"], 16) & 1 << (signal.SIGTERM - 1):
                return
            await asyncio.sleep(0.02)


async def test_a_second_signal_does_not_wait() -> None:
    async with supervisor(READY, STUBBORN) as process:
        ready = await next_event(process)
        await ignores_termination(pids(ready)["worker"])
        process.send_signal(signal.SIGINT)
        await gone(pids(ready)["server"])
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 30) == 0
        await gone(pids(ready)["worker"])


async def test_no_child_outlives_a_killed_supervisor() -> None:
    async with supervisor(READY, STUBBORN) as process:
        ready = await next_event(process)
        process.kill()
        for pid in pids(ready).values():
            await gone(pid)


async def test_wrong_configuration_is_not_tried_again() -> None:
    async with supervisor(f"raise SystemExit({EXIT_CONFIGURATION})", SLEEPER) as process:
        assert await asyncio.wait_for(process.wait(), 30) == 1


def test_the_first_restart_is_at_once_then_ever_later() -> None:
    back_off = BackOff()
    assert [back_off.after(1.0) for _ in range(7)] == [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0]
    assert back_off.after(60.0) == 0.0
    assert back_off.after(1.0) == 0.5


async def test_a_full_disk_behind_the_output_changes_nothing_in_what_runs() -> None:
    """Were a message that can't be written taken for a failed start, one more server would be started again and again
    beside the first."""
    async with supervisor(READY, SLEEPER, output=Path("/dev/full")) as process:
        before = await running(process.pid, 2)
        for one in before:
            os.kill(one, signal.SIGKILL)
        after = await running(process.pid, 2, without=before)
        await asyncio.sleep(1.0)
        assert children(process.pid) == after
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 0


async def test_what_is_no_ready_line_hides_none() -> None:
    """A server that was killed while it wrote leaves half a line."""
    async with supervisor(READY.replace("b'{", 'b\'{"event": "rea\\n[]\\n\\n{'), SLEEPER) as process:
        assert (await next_event(process))["event"] == "ready"


async def test_a_program_that_can_not_be_started_ends_all_and_is_no_traceback() -> None:
    async with supervisor(READY, SLEEPER, python="/nonexistent/python") as process:
        assert await asyncio.wait_for(process.wait(), 30) == 1
        assert process.stderr is not None
        said = (await process.stderr.read()).decode()
    assert "server can't be started: No such file" in said
    assert "Traceback" not in said


async def test_configuration_that_was_right_once_is_tried_again(tmp_path: Path) -> None:
    """Such as a certificate that is just being renewed: live calls go on meanwhile."""
    marks = f"""
import os, signal, sys
from pathlib import Path
lives = Path({str(tmp_path)!r}) / "lives"
lives.open("a").write("x")
if len(lives.read_text()) == 2:
    sys.exit({EXIT_CONFIGURATION})
"""
    async with supervisor(marks + READY, SLEEPER) as process:
        ready = await next_event(process)
        os.kill(pids(ready)["server"], signal.SIGKILL)
        assert [(await next_event(process))["event"] for _ in range(2)] == ["child_restarted"] * 2
        assert _runs(pids(ready)["worker"])


async def test_a_second_node_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    with supervisor_module._lock(tmp_path):
        arguments = ["--port", "0", "--udp-ports", "0-0", "--data", str(tmp_path)]
        second = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "server", "serve", *arguments, stderr=subprocess.PIPE
        )
        _, said = await asyncio.wait_for(second.communicate(), 30)
    assert second.returncode == 1
    assert said.decode() == f"konsilium: another node runs on {tmp_path}\n"
    supervisor_module._lock(tmp_path).close()


async def running(supervising: int, count: int, without: frozenset[int] = frozenset()) -> frozenset[int]:
    """The supervisor's children, once there are that many others."""
    async with asyncio.timeout(30):
        while len(found := frozenset(children(supervising) - without)) < count:
            await asyncio.sleep(0.02)
    return found
