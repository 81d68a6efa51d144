"""The publisher of sound is told the worst loss of the whole path, so that its error correction covers it."""

import pytest

from mediaserver.drops import Drops
from mediaserver.peer_media import REPORT_LIFE_SECONDS, connect_slot, disconnect_slot
from mediaserver.rtcp import ReceiverReport, ReportBlock, receiver_report
from tests.mediaserver.packet_path import AUDIO_SSRC, Clock, Peer, publishing, rtp, subscribing

TENTH = 26


class Talk:
    def __init__(self) -> None:
        self.clock, self.drops = Clock(), Drops()
        self.publisher = Peer(self.clock, self.drops, publishing())
        self.sequence = 0
        self.run(1.0)

    def subscribe(self) -> Peer:
        peer = Peer(self.clock, self.drops, subscribing())
        connect_slot(self.publisher.media, peer.media, 0)
        self.run(0.1)
        return peer

    def report(self, peer: Peer, fraction_lost: int, ssrc: int = 5000) -> None:
        block = ReportBlock(ssrc, fraction_lost, 0, 0, 0, 0, 0)
        peer.media.receive_rtcp(receiver_report(77, [block]), self.clock.now)

    def run(self, seconds: float, *, lose_every: int = 0) -> None:
        for _ in range(round(seconds / 0.02)):
            self.clock.now += 0.02
            self.sequence += 1
            if not lose_every or self.sequence % lose_every:
                packet = rtp(AUDIO_SSRC, self.sequence, 960 * self.sequence, b"voice", 111)
                self.publisher.media.receive_rtp(packet, self.clock.now)
            self.publisher.media.tick(self.clock.now)

    def told(self, **losses: int) -> ReportBlock:
        """The report on the microphone after the present second."""
        self.run(1.1, **losses)
        self.publisher.sink.rtcp.clear()
        self.run(1.1, **losses)
        reports = [each for each in self.publisher.sink.messages() if isinstance(each, ReceiverReport)]
        return next(block for block in reports[-1].blocks if block.ssrc == AUDIO_SSRC)


@pytest.fixture
def talk() -> Talk:
    return Talk()


def test_the_worst_subscribers_loss_is_told_and_what_is_lost_here_is_not_invented(talk: Talk) -> None:
    first, second = talk.subscribe(), talk.subscribe()
    assert talk.told().fraction_lost == 0
    talk.report(first, TENTH)
    talk.report(second, 3)
    block = talk.told()
    # Browsers estimate bandwidth by the sum of lost packets: only what the up-link lost may be in it.
    assert (block.fraction_lost, block.packets_lost) == (TENTH, 0)
    talk.report(first, 1)
    assert talk.told().fraction_lost == 3


def test_loss_on_the_way_to_us_counts_when_it_is_worse(talk: Talk) -> None:
    talk.report(talk.subscribe(), 3)
    assert talk.told(lose_every=5).fraction_lost == pytest.approx(256 / 5, abs=6)


def test_who_leaves_takes_their_loss_along(talk: Talk) -> None:
    leaving, removed = talk.subscribe(), talk.subscribe()
    talk.report(leaving, TENTH)
    talk.report(removed, TENTH)
    assert talk.told().fraction_lost == TENTH
    leaving.media.close()
    assert talk.told().fraction_lost == TENTH
    disconnect_slot(removed.media, 0)
    assert talk.told().fraction_lost == 0


def test_who_reports_no_more_is_forgotten(talk: Talk) -> None:
    subscriber = talk.subscribe()
    talk.report(subscriber, TENTH)
    for _ in range(int(REPORT_LIFE_SECONDS) + 2):
        talk.run(1.0)
        subscriber.media.tick(talk.clock.now)
    assert talk.told().fraction_lost == 0


def test_a_report_on_something_else_changes_nothing(talk: Talk) -> None:
    subscriber = talk.subscribe()
    talk.report(subscriber, 255, ssrc=AUDIO_SSRC)
    talk.report(talk.publisher, 255)
    assert talk.told().fraction_lost == 0
