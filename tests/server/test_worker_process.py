"""Which process is behind a Unix socket, and that only one of ours can be ended."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import uvloop

from server.worker_process import WorkerProcess

LISTENER = """
import signal, socket, sys
listening = socket.socket(socket.AF_UNIX)
listening.bind(sys.argv[1])
listening.listen()
print("listening", flush=True)
signal.pause()
"""
ENDER = """
import socket, sys
from server.worker_process import WorkerProcess
connected = socket.socket(socket.AF_UNIX)
connected.connect(sys.argv[1])
process = WorkerProcess.behind(connected)
print("ours" if process else "not ours", flush=True)
if process:
    process.kill()
    process.kill()
    process.close()
"""


async def listener(path: Path) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LISTENER, str(path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 30)
    return process


async def test_a_process_with_the_same_parent_is_ended(tmp_path: Path) -> None:
    worker = await listener(tmp_path / "w.sock")
    os.kill(worker.pid, signal.SIGSTOP)
    ender = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ENDER, str(tmp_path / "w.sock"), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await asyncio.wait_for(ender.communicate(), 30)
    assert said == b"ours\n"
    assert await asyncio.wait_for(worker.wait(), 30) == -signal.SIGKILL


async def test_a_process_of_others_and_this_one_are_left_alone(tmp_path: Path) -> None:
    child = await listener(tmp_path / "child.sock")
    with socket.socket(socket.AF_UNIX) as own, socket.socket(socket.AF_UNIX) as connected:
        own.bind(str(tmp_path / "own.sock"))
        own.listen()
        connected.connect(str(tmp_path / "own.sock"))
        assert await asyncio.to_thread(WorkerProcess.behind, connected) is None
    with socket.socket(socket.AF_UNIX) as connected:
        connected.connect(str(tmp_path / "child.sock"))
        assert await asyncio.to_thread(WorkerProcess.behind, connected) is None, "a child of ours is no sibling"
    assert await asyncio.to_thread(WorkerProcess.behind, connected) is None, "closed meanwhile"
    child.kill()
    await child.wait()


async def test_a_socket_of_the_loop_closed_meanwhile_is_nobodys(tmp_path: Path) -> None:
    child = await listener(tmp_path / "child.sock")

    async def close_and_ask() -> WorkerProcess | None:
        _, writer = await asyncio.open_unix_connection(tmp_path / "child.sock")
        connected = writer.get_extra_info("socket")
        writer.close()
        await writer.wait_closed()
        return WorkerProcess.behind(connected)

    assert await asyncio.to_thread(uvloop.run, close_and_ask()) is None
    child.kill()
    await child.wait()
