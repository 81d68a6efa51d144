"""Who has left takes no memory: all that was made for a peer goes with its last reference, not when the collector
happens to look, which is rarely in a process that lives for weeks."""

import gc
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.mediaserver.conftest import WorkerUnderTest


@pytest.fixture
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def living() -> Counter[str]:
    """How many objects of the media server there are, by their class."""
    kinds = (type(each) for each in gc.get_objects())
    return Counter(kind.__name__ for kind in kinds if str(kind.__module__).startswith("mediaserver"))


@pytest.mark.usefixtures("without_collector")
async def test_peers_that_left_are_gone_without_the_collector(media: WorkerUnderTest) -> None:
    before = living()
    anna, boris = await media.join("anna"), await media.join("boris")
    for sender, receiver in ((anna, boris), (boris, anna)):
        for _ in range(5):
            sender.send(sender.audio())
        await receiver.receive(lambda datagram: 127 < datagram[0] < 192)
    media.worker.disconnect("room", "anna")
    boris.dtls.shutdown()
    boris.send_dtls()
    await media.state("boris", "freed")
    media.notices.clear()
    # Not at once: a round of ticks under way still has them on its list.
    await media.until(lambda: living() <= before)
