"""The process around the media worker: arguments, and how long it stays without a server."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mediaserver import worker
from mediaserver.announced import Announced
from mediaserver.link_server import LinkServer
from mediaserver.settings import WorkerSettings
from mediaserver.ticks import TICK_SECONDS
from tests.mediaserver.conftest import WorkerUnderTest
from tests.mediaserver.raw_client import PATIENCE


def test_arguments() -> None:
    line = ["--socket", "w.sock", "--udp-ports", "40000-40007", "--announce", "127.0.0.1", "2001:db8::1", "--spare"]
    announced = (Announced("127.0.0.1", "127.0.0.1"), Announced("2001:db8::1", "2001:db8::1"))
    settings = worker.read_arguments(line)
    assert settings == WorkerSettings(Path("w.sock"), range(40000, 40008), announced, spare=True)
    assert worker.read_arguments([*line[:3], "40000", *line[4:]]).udp_ports == range(40000, 40001)


@pytest.mark.parametrize(
    "line",
    [
        ["--udp-ports", "40007-40000", "--announce", "127.0.0.1"],
        ["--udp-ports", "70000", "--announce", "127.0.0.1"],
        ["--udp-ports", "many", "--announce", "127.0.0.1"],
        ["--udp-ports", "40000", "--announce", "0.0.0.0"],
        ["--udp-ports", "40000", "--announce", "localhost"],
        ["--udp-ports", "40000", "--announce", "127.0.0.1", "127.0.0.1=127.0.0.2"],
        ["--udp-ports", "40000"],
    ],
)
def test_wrong_arguments_are_told(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        worker.read_arguments(["--socket", "w.sock", *line])
    assert "usage" in capsys.readouterr().err


@pytest.fixture
async def link(media: WorkerUnderTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LinkServer]:
    monkeypatch.setattr(worker, "LINK_GRACE_SECONDS", 0.05)
    monkeypatch.setattr(worker, "_WATCH_SECONDS", 0.01)
    opened = LinkServer(media.worker)
    await opened.open(tmp_path / "w.sock")
    yield opened
    await opened.close()


def settings(tmp_path: Path, *, spare: bool) -> WorkerSettings:
    return WorkerSettings(tmp_path / "w.sock", range(1), (Announced("127.0.0.1", "127.0.0.1"),), spare=spare)


async def test_it_ends_when_no_server_comes(link: LinkServer, tmp_path: Path) -> None:
    async with asyncio.timeout(PATIENCE):
        await worker._serve_until(asyncio.Event(), link, settings(tmp_path, spare=False))


async def test_it_stays_while_a_server_is_linked_and_ends_after_it(link: LinkServer, tmp_path: Path) -> None:
    _, writer = await asyncio.open_unix_connection(tmp_path / "w.sock")
    serving = asyncio.create_task(worker._serve_until(asyncio.Event(), link, settings(tmp_path, spare=True)))
    await asyncio.sleep(0.2)
    assert not serving.done()
    writer.close()
    async with asyncio.timeout(PATIENCE):
        await serving


async def test_a_spare_waits_without_a_limit_for_its_first_link(link: LinkServer, tmp_path: Path) -> None:
    stop = asyncio.Event()
    serving = asyncio.create_task(worker._serve_until(stop, link, settings(tmp_path, spare=True)))
    await asyncio.sleep(0.2)
    assert not serving.done()
    stop.set()
    async with asyncio.timeout(PATIENCE):
        await serving


async def test_the_socket_is_for_this_user_alone(link: LinkServer, tmp_path: Path) -> None:
    assert (tmp_path / "w.sock").stat().st_mode & 0o777 == 0o600


async def test_a_freed_peer_leaves_no_object_behind(media: WorkerUnderTest) -> None:
    await media.join("anna")
    await media.join("boris")
    peers = [weakref.ref(media.worker._find("room", name)) for name in ("anna", "boris")]
    transports = [weakref.ref(peer().transport) for peer in peers]  # type: ignore[union-attr]  # both are alive here
    media.worker.disconnect("room", "anna")
    media.worker.disconnect("room", "boris")
    await media.state("boris", "freed")
    # Whoever was to have a turn in this round is remembered until the next one.
    await asyncio.sleep(3 * TICK_SECONDS)
    gc.collect()
    assert [reference() for reference in peers + transports] == [None] * 4
