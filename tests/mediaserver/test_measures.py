"""What a worker counts: of rooms and between people, of all it ever carried, and how late its loop is."""

from mediaserver.pulse import Pulse
from tests.mediaserver.conftest import WorkerUnderTest
from tests.mediaserver.raw_client import browser_offer

CHROMIUM = browser_offer("chromium")


async def test_only_the_rooms_that_are_asked_for_are_counted(media: WorkerUnderTest) -> None:
    for room in ("one", "two"):
        for name in ("anna", "boris"):
            media.offer(name, CHROMIUM, room=room)
    measured = media.worker.measure(("one", "nowhere"))
    assert set(measured) == {"one"}
    assert set(measured["one"].peers) == {"anna", "boris"}
    assert measured["one"].peers["anna"]["packets_received"] == 0
    flows = {(flow.publisher, flow.subscriber): (flow.audio, flow.video) for flow in measured["one"].flows}
    assert flows == {("anna", "boris"): (0, 0), ("boris", "anna"): (0, 0)}


def test_pulse() -> None:
    pulse = Pulse()
    pulse.expect(1.0)
    pulse.beat(1.25)
    pulse.expect(2.0)
    pulse.beat(1.5)
    assert pulse.take() == {"loop_beats": 2, "loop_delay_us": 250_000, "loop_delay_max_us": 250_000}
    assert pulse.take() == {"loop_beats": 2, "loop_delay_us": 250_000, "loop_delay_max_us": 0}
