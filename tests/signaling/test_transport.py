"""The contract with the insides of python-socketio and engine.io: fails when they change."""

import asyncio
from pathlib import Path

from signaling import transport
from tests.signaling.fakes import browser, stage


async def test_enqueue_sends_in_order_and_counts(tmp_path: Path) -> None:
    async with stage(tmp_path) as at, browser(at) as client:
        sid = at.domain.connected[0].connection
        assert (await asyncio.wait_for(client.received.get(), 20))[0] == "admission.changed"
        lengths = [transport.enqueue(at.sockets, sid, "test.event", {"number": number}) for number in range(20)]
        assert lengths == list(range(1, 21))
        assert transport.outgoing_length(at.sockets, sid) == 20
        for number in range(20):
            event, data = await asyncio.wait_for(client.received.get(), 20)
            assert (event, data) == ("test.event", {"number": number})


async def test_abort_cuts_the_connection(tmp_path: Path) -> None:
    async with stage(tmp_path) as at, browser(at) as client:
        sid = at.domain.connected[0].connection
        await transport.abort(at.sockets, sid)
        gone = await asyncio.wait_for(at.domain.disconnected.get(), 20)
        assert gone.connection == sid
        await asyncio.wait_for(client.wait(), 20)
        assert transport.enqueue(at.sockets, sid, "test.event", {}) is None
        assert transport.outgoing_length(at.sockets, sid) == 0
        await transport.abort(at.sockets, sid)


async def test_abort_works_for_polling_clients_too(tmp_path: Path) -> None:
    async with stage(tmp_path) as at, browser(at, transports=("polling",)):
        sid = at.domain.connected[0].connection
        await transport.abort(at.sockets, sid)
        assert (await asyncio.wait_for(at.domain.disconnected.get(), 20)).connection == sid
