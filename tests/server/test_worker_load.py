"""Rooms are placed by load, workers are retired, and what they counted of rooms is asked of the right one."""

from pathlib import Path

import pytest

from contract.errors import MissingError, UnavailableError
from contract.ids import PeerId, RoomId
from mediaserver.link_messages import (
    FlowEntry,
    RoomCounters,
)
from rooms.media_port import Flow, LinkMeasure, RoomMeasure
from server import worker_link
from server.worker_link import WorkerLink
from tests.server.fake_workers import OFFER, PEER, ROOM, FakeWorker, until, workers


async def test_a_new_room_goes_to_the_worker_with_the_least_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_link, "PING_SECONDS", 0.05)

    def busy(made: list[FakeWorker]) -> None:
        made[0].works = 1_000_000

    async with workers(tmp_path, 3, busy) as (link, (busy_one, idle_one, spare), _):
        await until(lambda: link.workers()[0].cpu_share > 0.5)
        for number in range(5):
            await link.offer(RoomId(f"apt_{number}"), PEER, OFFER)
        assert [len(one.offers) for one in (busy_one, idle_one, spare)] == [0, 5, 0]


async def test_a_retired_worker_gets_no_rooms_and_ends_when_its_own_are_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[str] = []
    monkeypatch.setattr(WorkerLink, "end_worker", lambda self: ended.append(self.path.stem))
    async with workers(tmp_path, 3) as (link, made, heard):
        await link.offer(ROOM, PEER, OFFER)
        (name,) = [one.name for one in link.workers() if one.rooms]
        retired = link.retire(name, at_once=False)
        assert (retired.retiring, retired.rooms, ended) == (True, 1, [])
        for number in range(3):
            await link.offer(RoomId(f"later_{number}"), PEER, OFFER)
        assert next(one for one in link.workers() if one.name == name).rooms == 1
        await link.disconnect(ROOM, PEER)
        assert ended == [name]
        worker = made[int(name)]
        await worker.die()
        await until(lambda: not link.workers()[int(name)].up)
        worker.path.unlink(missing_ok=True)
        await worker.start()
        await until(lambda: link.workers()[int(name)].up)
        anew = link.workers()[int(name)]
        assert (anew.retiring, anew.spare, anew.losses) == (False, True, 1)
        assert heard.news.empty(), "nobody lost anything"


async def test_only_workers_that_are_there_can_be_retired(tmp_path: Path) -> None:
    async with workers(tmp_path, 1) as (link, [worker], _):
        with pytest.raises(MissingError):
            link.retire("worker-9", at_once=True)
        await worker.die()
        await until(lambda: not link.ready)
        with pytest.raises(UnavailableError):
            link.retire("0", at_once=True)


async def test_what_a_worker_counted_of_rooms_is_asked_of_the_right_one(tmp_path: Path) -> None:
    async with workers(tmp_path, 3) as (link, made, _):
        other = RoomId("apt_2")
        await link.offer(ROOM, PEER, OFFER)
        await link.offer(other, PEER, OFFER)
        peer = {"uplink_fraction_lost": 64, "downlink_fraction_lost": 128, "round_trip_ms": 250, "pictures_reduced": 1}
        for worker in made:
            worker.counted = RoomCounters({PEER: peer}, (FlowEntry(PEER, "prt_2", 3, 4),))
        measured = await link.measure([ROOM, other, RoomId("nowhere")])
        assert set(measured) == {ROOM, other}
        assert measured[ROOM] == RoomMeasure(
            {PEER: LinkMeasure(0.25, 0.5, 0.25, pictures_reduced=1)}, (Flow(PEER, PeerId("prt_2"), 3, 4),)
        )
        await made[0].die()
        await made[1].die()
        assert await link.measure([ROOM, other]) == {}
