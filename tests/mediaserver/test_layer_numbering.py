"""One unbroken stream out of three, whatever happens: switches, pictures left out, losses, reordering, repetitions."""

import struct
from dataclasses import dataclass, field

from aiortc.codecs.vpx import VpxPayloadDescriptor
from aiortc.rtp import RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from mediaserver.rtcp import nack
from tests.mediaserver.simulcast import Stage, assert_continuous, pictures

MEDIA_SSRC, REPAIR_SSRC = 5001, 5002

# Mostly pictures: where every step disturbs, nothing flows long enough to go wrong.
_keys = st.sampled_from([()] * 6 + [(0,), (1,), (2,), (0, 1, 2)])
_orders = st.sampled_from([(0, 1, 2)] * 4 + [(2, 1, 0), (1, 2, 0), (0, 1), (1, 2), (2,)])
_frames = st.tuples(st.just("frame"), _orders, _keys, st.integers(1, 3))
_choices = st.tuples(st.just("choose"), st.integers(-1, 2), st.integers(0, 2))
_shows = st.tuples(st.just("show"), st.booleans())
_wants = st.tuples(st.just("want"), st.sets(st.integers(0, 2), min_size=1))
_pads = st.tuples(st.just("pad"), st.integers(0, 3000))
_disturbances = st.one_of(_choices, _choices, _shows, _wants, _pads)
_steps = st.lists(st.one_of(*[_frames] * 8, _disturbances), min_size=40, max_size=90)
_fates = st.lists(st.sampled_from(["now"] * 12 + ["late", "late", "lost", "twice", "recovered"]), min_size=20)


def prepare() -> Stage:
    """It is known that there are three temporal layers, and the subscriber gets one picture."""
    stage = Stage().measured()
    stage.subscriber.sink.rtp.clear()
    return stage


def disturb(stage: Stage, step: tuple[object, ...]) -> None:
    match step:
        case ("choose", int(spatial), int(temporal)):
            stage.choose(spatial, temporal)
        case ("show", bool(shown)):
            stage.subscriber.shows(shown)
        case ("want", set(layers)):
            stage.publisher.media.want_layers(frozenset(layers))
        case ("pad", int(octets)):
            stage.subscription.pad(octets, stage.clock.now)


@given(steps=_steps)
def test_without_losses_a_decoder_sees_one_continuous_stream(steps: list[tuple[object, ...]]) -> None:
    stage = prepare()
    sent: list[RtpPacket] = []
    for step in steps:
        match step:
            case ("frame", tuple(order), tuple(key), int(packets)):
                stage.frame(order, key=tuple(each for each in key if each in order), packets=packets)
            case _:
                disturb(stage, step)
        sent += [each for each in stage.subscriber.sink.take_rtp() if each.ssrc == MEDIA_SSRC]
    first = sent[0].sequence_number if sent else 0
    assert [(each.sequence_number - first) & 0xFFFF for each in sent] == list(range(len(sent)))
    seen = pictures(sent)
    # Who was not shown anything for a while begins anew with a keyframe: the publisher's own numbers may have gone on.
    begun = 0
    for at in range(1, len(seen)):
        if seen[at].key and seen[at].layer == seen[at - 1].layer and seen[at].frame != seen[at - 1].frame + 1:
            assert_continuous(seen[begun:at])
            begun = at
    assert_continuous(seen[begun:])


@dataclass
class Wire:
    """What the subscriber was sent, by number."""

    media: dict[int, bytes] = field(default_factory=dict)
    repaired: dict[int, bytes] = field(default_factory=dict)
    numbers: set[tuple[int, int]] = field(default_factory=set)

    def take(self, stage: Stage) -> None:
        for packet in stage.subscriber.sink.take_rtp():
            number = (packet.ssrc, packet.sequence_number)
            assert number not in self.numbers
            self.numbers.add(number)
            if packet.ssrc == MEDIA_SSRC:
                self.media[packet.sequence_number] = packet.payload
            elif len(packet.payload) > 2:
                original = int.from_bytes(packet.payload[:2], "big")
                assert self.repaired.setdefault(original, packet.payload[2:]) == packet.payload[2:]


@given(steps=_steps, fates=_fates, distances=st.lists(st.integers(0, 30), min_size=10))
def test_one_number_never_carries_two_contents(
    steps: list[tuple[object, ...]], fates: list[str], distances: list[int]
) -> None:
    stage = prepare()
    wire = Wire()
    held: list[bytes] = []
    count = 0
    for step in steps:
        match step:
            case ("frame", tuple(order), tuple(key), int(packets)):
                stage.clock.now += 1 / 30
                stage.moment += 1
                for number in order:
                    layer = stage.layers[number]
                    for packet in layer.frame(stage.moment, key=number in key, packets=packets):
                        count += 1
                        fate = fates[count % len(fates)]
                        if fate == "late":
                            held.append(packet)
                        elif fate == "recovered":
                            held.append(layer.repair(packet, count))
                        elif fate != "lost":
                            stage.receive(packet)
                        if fate == "twice":
                            stage.receive(packet)
                if len(held) > distances[count % len(distances)] // 4:
                    stage.receive(held.pop(0))
                stage.publisher.media.tick(stage.clock.now)
            case _:
                disturb(stage, step)
        wire.take(stage)
        if wire.media:
            asked = (list(wire.media)[-1] - distances[count % len(distances)]) & 0xFFFF
            stage.subscriber.media.receive_rtcp(nack(1, MEDIA_SSRC, [asked]), stage.clock.now)
            wire.take(stage)
    for number, payload in wire.repaired.items():
        assert wire.media.get(number, payload) == payload
    _assert_pictures_are_told_apart({**wire.repaired, **wire.media})


def _assert_pictures_are_told_apart(payloads: dict[int, bytes]) -> None:
    """A number names one picture. A picture may have had a part under another one, before a new start."""
    named: dict[int, tuple[int, int]] = {}
    for payload in payloads.values():
        if not payload:
            continue
        descriptor, body = VpxPayloadDescriptor.parse(payload)
        layer, frame, _, temporal = struct.unpack_from("!BIBB", body, 1)
        assert descriptor.tid is not None
        assert descriptor.tid[0] == temporal
        assert descriptor.picture_id is not None
        assert named.setdefault(descriptor.picture_id, (layer, frame)) == (layer, frame)
