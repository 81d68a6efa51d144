"""Nobody's sound takes more of the others' links than sound can."""

import pytest

from mediaserver.drops import Drop, Drops
from mediaserver.negotiated import Codec, Direction, Kind, Negotiated, Section
from mediaserver.peer_media import connect_slot
from tests.mediaserver.packet_path import AUDIO_SSRC, CHROMIUM, OPUS, Clock, Peer, rtp, subscribing

RED = Codec("red", 63, 48000, blocks=111)
TICKS_A_SECOND = 20


class Talk:
    """One who talks and one who listens."""

    def __init__(self) -> None:
        self.clock, self.drops = Clock(), Drops()
        section = Section("0", Kind.AUDIO, Direction.PUBLISH, (OPUS, RED), CHROMIUM, ((AUDIO_SSRC, 0),))
        self.speaker = Peer(self.clock, self.drops, Negotiated((section,)))
        self.listener = Peer(self.clock, self.drops, subscribing())
        connect_slot(self.speaker.media, self.listener.media, 0)
        self.sent = 0

    def seconds(self, seconds: int, packets: int, octets: int, payload_type: int = OPUS.payload_type) -> int:
        """So many packets a second of so many octets; how many were heard in the last second."""
        for tick in range(seconds * TICKS_A_SECOND):
            if tick == (seconds - 1) * TICKS_A_SECOND:
                self.listener.sink.rtp.clear()
            for _ in range(packets // TICKS_A_SECOND):
                self.clock.now += 1 / packets
                self.sent += 1
                packet = rtp(AUDIO_SSRC, self.sent, self.sent * 960, bytes(octets), payload_type)
                self.speaker.media.receive_rtp(packet, self.clock.now)
            self.speaker.media.tick(self.clock.now)
        return len(self.listener.sink.rtp)

    @property
    def dropped(self) -> int:
        return self.drops.counts[Drop.RTP_TOO_MUCH_SOUND]


@pytest.mark.parametrize(("packets", "octets", "most"), [(2_000, 20, 400), (2_000, 1_200, 130), (100, 1_200, 130)])
def test_a_flood_of_sound_is_heard_in_part(packets: int, octets: int, most: int) -> None:
    talk = Talk()
    talk.seconds(10, packets, octets)
    heard = sum(talk.seconds(1, packets, octets) for _ in range(4)) / 4
    assert 0 < heard < most
    assert talk.dropped > 0
    # Who comes to reason is heard again, soon and whole.
    talk.seconds(3, 40, 120)
    assert talk.seconds(2, 40, 120) == 40
    assert talk.drops.counts[Drop.RTP_UNKNOWN_FORMAT] == 0


@pytest.mark.parametrize(
    ("packets", "octets", "payload_type"),
    [(40, 160, OPUS.payload_type), (100, 640, OPUS.payload_type), (40, 1_200, 63)],
)
def test_sound_as_browsers_send_it_is_heard_whole(packets: int, octets: int, payload_type: int) -> None:
    talk = Talk()
    talk.seconds(10, packets, octets, payload_type)
    assert talk.dropped == 0
    assert talk.drops.counts[Drop.RTP_UNKNOWN_FORMAT] == 0


def test_what_a_network_held_up_is_heard_when_it_comes_at_once() -> None:
    talk = Talk()
    talk.seconds(3, 40, 160)
    for _ in range(100):
        talk.sent += 1
        talk.speaker.media.receive_rtp(rtp(AUDIO_SSRC, talk.sent, talk.sent * 960, bytes(160), 111), talk.clock.now)
    talk.seconds(3, 40, 160)
    assert talk.dropped == 0
