"""The down-link's choices on the real packet path: layers, limits relayed, and what one member's feedback may do."""

from itertools import pairwise

import pytest

from mediaserver.allocation import Measure
from mediaserver.drops import Drops
from mediaserver.peer_media import REPORT_LIFE_SECONDS, connect_slot
from mediaserver.relayed_limit import AUDIO_BITS_PER_SECOND, LEAST_SHARED, UNLIMITED_BITS_PER_SECOND
from mediaserver.rtcp import BandwidthEstimate, ReceiverReport, ReportBlock, bandwidth_estimate, receiver_report
from mediaserver.tiles import Tile, TileSize
from tests.mediaserver.packet_path import (
    AUDIO_SSRC,
    DELTA,
    KEYFRAME,
    VIDEO_SSRC,
    Clock,
    Peer,
    publishing,
    rtp,
    subscribing,
)
from tests.mediaserver.simulcast import Layer, camera, pictures, publishing_layers

TICK = 0.05
SUBSCRIBER_VIDEO, SUBSCRIBER_RTX = 5001, 5002


class Room:
    """One that publishes, and members that are shown it; time passes in ticks, two pictures in each."""

    def __init__(self, publisher: Peer, clock: Clock, drops: Drops, members: int) -> None:
        self.clock = clock
        self.publisher = publisher
        self.members = [Peer(clock, drops, subscribing()) for _ in range(members)]
        for member in self.members:
            connect_slot(publisher.media, member.media, 0)

    def tick(self) -> None:
        self.clock.now += TICK
        for peer in (*self.members, self.publisher):
            peer.media.tick(self.clock.now)

    def told(self) -> list[int]:
        """The limits that the publisher was told since the last call."""
        messages = self.publisher.sink.messages()
        self.publisher.sink.rtcp.clear()
        return [message.bits_per_second for message in messages if isinstance(message, BandwidthEstimate)]

    def overuse(self, member: int, bits: int) -> None:
        """The member's browser says that its link holds so much, and no more."""
        for estimate in (2 * bits + 2_000_000, bits):
            packet = bandwidth_estimate(1, estimate, [SUBSCRIBER_VIDEO])
            self.members[member].media.receive_rtcp(packet, self.clock.now)


class LayeredRoom(Room):
    """Its publisher sends what `sends` names; each layer begins with a keyframe, and brings one when it is asked."""

    def __init__(self, clock: Clock, drops: Drops, members: int) -> None:
        super().__init__(Peer(clock, drops, publishing_layers()), clock, drops, members)
        self.layers = camera()
        self.moment = 0
        self.sends: set[int] = {2}
        self._fresh = {0, 1, 2}

    def run(self, ticks: int) -> None:
        for _ in range(ticks):
            self.tick()
            for _ in range(2):
                self.moment += 1
                for layer in self.layers:
                    if layer.number in self.sends:
                        self._frame(layer)
            self._fresh = {0, 1, 2} if self.moment % 20 == 0 else set()

    def _frame(self, layer: Layer) -> None:
        # A high layer has more packets, so that layers differ in rate.
        packets = (1, 2, 6)[layer.number]
        for packet in layer.frame(self.moment, key=layer.number in self._fresh, packets=packets):
            padded = packet + bytes(600)
            self.publisher.media.receive_rtp(padded, self.clock.now)

    def seen(self, member: int) -> set[int]:
        """Which layers the member was sent pictures of, since the last call."""
        packets = [each for each in self.members[member].sink.take_rtp() if each.ssrc == SUBSCRIBER_VIDEO]
        return {picture.layer for picture in pictures(packets)}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def layered(clock: Clock) -> LayeredRoom:
    room = LayeredRoom(clock, Drops(), members=2)
    room.sends = {0, 2}
    room.run(40)
    room.seen(0), room.seen(1)
    room.run(10)
    assert [room.seen(0), room.seen(1)] == [{2}, {2}]
    return room


def measure(peer: Peer) -> Measure:
    """What is done about the one picture that the peer receives."""
    told = peer.media.statistics()
    assert told["pictures_reduced"] + told["pictures_off"] <= 1
    if told["pictures_off"]:
        return Measure.PICTURE_OFF
    return Measure.PICTURE_REDUCED if told["pictures_reduced"] else Measure.NONE


def test_a_limited_member_gets_a_lower_layer_and_the_others_the_same_as_before(layered: LayeredRoom) -> None:
    layered.overuse(0, 500_000)
    layered.run(40)
    layered.seen(0), layered.seen(1)
    layered.run(20)
    assert layered.seen(0) == {0}
    assert layered.seen(1) == {2}
    assert layered.told() == []
    assert measure(layered.members[0]) is Measure.PICTURE_REDUCED
    assert measure(layered.members[1]) is Measure.NONE
    assert layered.members[0].media.wished_layer(0) < 2
    assert layered.members[0].media.take_changed_choices()


def test_a_false_report_hurts_only_who_tells_it(layered: LayeredRoom) -> None:
    layered.overuse(0, 1)
    for number in range(1, 11):
        lost = [ReportBlock(ssrc, 255, number * 500, 70_000 + number * 500, 0, 0, 0) for ssrc in (5000, 5001)]
        layered.members[0].media.receive_rtcp(receiver_report(9, lost), layered.clock.now)
        layered.run(20)
    assert layered.seen(1) == {2}
    assert layered.told() == []
    layered.seen(0)
    layered.run(20)
    assert layered.seen(0) == set()
    assert measure(layered.members[0]) is Measure.PICTURE_OFF


def test_while_the_link_drowns_the_picture_waits_for_the_lower_layer(layered: LayeredRoom) -> None:
    layered.sends = {2}
    layered.run(20)
    layered.overuse(0, 100_000)
    layered.run(1)
    layered.seen(0)
    layered.run(10)
    assert layered.seen(0) == set()
    layered.sends = {0, 2}
    layered.run(30)
    assert layered.seen(0) == {0}


def test_a_probe_sends_packets_again_and_leaves_the_stream_whole(layered: LayeredRoom) -> None:
    layered.overuse(0, 500_000)
    layered.run(60)
    layered.members[0].sink.take_rtp()
    layered.run(100)
    packets = layered.members[0].sink.take_rtp()
    assert any(packet.ssrc == SUBSCRIBER_RTX for packet in packets)
    numbers = [packet.sequence_number for packet in packets if packet.ssrc == SUBSCRIBER_VIDEO]
    assert all((after - before) & 0xFFFF == 1 for before, after in pairwise(numbers))


def test_a_member_whose_page_is_hidden_counts_for_nothing(layered: LayeredRoom) -> None:
    layered.members[0].media.view({"3": Tile(TileSize.NONE)})
    layered.overuse(0, 500_000)
    layered.run(10)
    assert layered.members[0].media.wished_layer(0) == -1
    assert measure(layered.members[0]) is Measure.NONE


def test_of_two_the_publisher_follows_with_all_its_layers(clock: Clock) -> None:
    room = LayeredRoom(clock, Drops(), members=1)
    room.run(40)
    room.overuse(0, 600_000)
    room.run(5)
    assert room.told()[-1] == pytest.approx(600_000 + AUDIO_BITS_PER_SECOND, rel=0.01)
    room.seen(0)
    room.run(10)
    assert room.seen(0) == {2}


def plain_room(clock: Clock, members: int) -> Room:
    room = Room(Peer(clock, Drops(), publishing()), clock, Drops(), members)
    room.publisher.media.receive_rtp(rtp(VIDEO_SSRC, 1, 0, KEYFRAME), clock.now)
    room.publisher.media.receive_rtp(rtp(VIDEO_SSRC, 2, 0, DELTA), clock.now)
    room.tick()
    return room


def test_with_one_layer_the_lowest_limit_counts_but_not_below_the_floor(clock: Clock) -> None:
    room = plain_room(clock, members=2)
    room.overuse(0, 800_000)
    for _ in range(5):
        room.tick()
    assert room.told()[-1] == pytest.approx(800_000 + AUDIO_BITS_PER_SECOND, rel=0.01)
    room.overuse(0, 1)
    for _ in range(30):
        room.tick()
    assert all(limit >= LEAST_SHARED + AUDIO_BITS_PER_SECOND or limit == 0 for limit in room.told())
    assert measure(room.members[0]) is Measure.PICTURE_OFF
    assert measure(room.members[1]) is Measure.NONE


def test_when_the_limited_member_looks_away_the_publisher_is_free(clock: Clock) -> None:
    room = plain_room(clock, members=1)
    room.overuse(0, 400_000)
    for _ in range(5):
        room.tick()
    assert room.told()[-1] < 500_000
    room.members[0].media.view({"3": Tile(TileSize.NONE)})
    for _ in range(5):
        room.tick()
    assert room.told()[-1] == pytest.approx(UNLIMITED_BITS_PER_SECOND, rel=0.01)


def test_what_a_silent_subscriber_said_of_loss_is_forgotten(clock: Clock) -> None:
    room = plain_room(clock, members=1)
    room.members[0].media.receive_rtcp(receiver_report(9, [ReportBlock(5000, 77, 1, 1, 1, 0, 0)]), clock.now)
    sequence = 0

    def fraction_told() -> int:
        nonlocal sequence
        room.publisher.sink.rtcp.clear()
        for _ in range(30):
            sequence += 1
            room.publisher.media.receive_rtp(rtp(AUDIO_SSRC, sequence, sequence * 960, b"voice", 111), clock.now)
            room.tick()
        reports = [each for each in room.publisher.sink.messages() if isinstance(each, ReceiverReport)]
        return next(block.fraction_lost for block in reports[-1].blocks if block.ssrc == AUDIO_SSRC)

    assert fraction_told() == 77
    clock.now += REPORT_LIFE_SECONDS
    assert fraction_told() == 0
