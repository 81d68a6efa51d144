"""Members of a room who misbehave inside their own valid sessions: nobody else in the room notices."""

import secrets
import struct
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from aioice import stun
from OpenSSL import SSL

from bench.media_client import AUDIO_TYPE, VIDEO_TYPE, BenchClient
from mediaserver.dtls import MAXIMUM_DATAGRAM
from mediaserver.rtcp import nack, picture_loss
from tests.faults.live_call import LiveCall, live_call, rtp

KEYFRAME = b"\x10\x00\x00\x00 key"
"""A VP8 payload that says it begins a keyframe (RFC 7741 section 4.3)."""
EVERYTHING = list(range(0, 1 << 16, 1 << 5))


def publish(client: BenchClient, call: LiveCall, packets: int, *, first: int = 1) -> None:
    """Sound and picture as they should be, on the streams that were declared."""
    for number in range(first, first + packets):
        client.socket.send(client.protect(rtp(AUDIO_TYPE, number, client.audio_ssrc, mid="0")))
        client.socket.send(client.protect(rtp(VIDEO_TYPE, number, client.video_ssrc, KEYFRAME, mid="1")))
    call.go_on()


def drain(client: BenchClient) -> list[bytes]:
    datagrams = []
    while True:
        try:
            datagrams.append(client.socket.recv(2048))
        except BlockingIOError:
            return datagrams


def media_ssrcs(datagrams: list[bytes]) -> set[int]:
    """Of the streams that a client receives."""
    return {int.from_bytes(each[8:12], "big") for each in datagrams if 127 < each[0] < 192 and not 191 < each[1] < 224}


def test_one_who_never_sends_feedback(tmp_path: Path) -> None:
    with live_call(tmp_path) as call:
        silent = BenchClient(call.identity, publishes=True, receives=2)
        call.join("silent", silent)
        publish(silent, call, 3)
        drain(silent)
        with call.memory_stays():
            for turn in range(20):
                publish(silent, call, 3, first=4 + 3 * turn)
                assert media_ssrcs(drain(silent)), "it gets what the others send nevertheless"
        call.nobody_noticed()
        silent.socket.close()


def test_one_who_asks_for_everything_again_all_the_time(tmp_path: Path) -> None:
    with live_call(tmp_path) as call:
        greedy = BenchClient(call.identity, receives=2)
        call.join("greedy", greedy)
        call.go_on(0.5)
        streams = sorted(media_ssrcs(drain(greedy)))
        assert streams
        strewn = [nack(1, ssrc, EVERYTHING[at : at + 200]) for ssrc in streams for at in range(0, len(EVERYTHING), 200)]
        pictures = [picture_loss(1, ssrc) for ssrc in streams]
        recent: dict[int, list[int]] = {ssrc: [] for ssrc in streams}

        def listen() -> None:
            for each in drain(greedy):
                if 127 < each[0] < 192 and int.from_bytes(each[8:12], "big") in recent:
                    recent[int.from_bytes(each[8:12], "big")].append(int.from_bytes(each[2:4], "big"))

        def ask(*others: bytes, times: int = 1) -> None:
            named = [nack(1, ssrc, numbers[-200:]) for ssrc, numbers in recent.items() if numbers]
            for packet in (*named * times, *others):
                greedy.socket.send(greedy.protect_rtcp(packet))
            listen()

        call.while_it_goes_on(listen, 5)
        call.while_it_goes_on(ask, 5)
        assert call.worker.statistics().peers["room/greedy"]["packets_retransmitted"] > 0
        ask_for_all = partial(ask, *strewn, *pictures * 50, times=5)
        call.while_it_goes_on(ask_for_all, 10)
        with call.memory_stays():
            call.while_it_goes_on(ask_for_all, 20)
        call.nobody_noticed()
        counters = call.counters()
        assert counters["dropped_retransmission_unknown"] > 0
        assert counters["dropped_retransmission_too_many"] > 0
        greedy.socket.close()


def test_many_who_ask_for_a_keyframe_are_one_request(tmp_path: Path) -> None:
    """The publisher is asked at most once in `SHORTEST_INTERVAL_SECONDS`, however many ask how often."""
    with live_call(tmp_path, slots=2) as call:
        publisher = BenchClient(call.identity, publishes=True)
        call.join("publisher", publisher)
        publish(publisher, call, 5)
        greedy = BenchClient(call.identity, receives=3)
        call.join("greedy", greedy)
        publish(publisher, call, 5, first=6)
        streams = media_ssrcs(drain(greedy))
        drain(publisher)

        def ask() -> None:
            for ssrc in streams:
                for _ in range(100):
                    greedy.socket.send(greedy.protect_rtcp(picture_loss(1, ssrc)))
            drain(greedy)

        turns = 10
        call.while_it_goes_on(ask, turns)
        reports = [publisher.unprotect_rtcp(each) for each in drain(publisher) if 191 < each[1] < 224]
        requests = [each for each in reports if struct.unpack_from("!BB", each) == (0x81, 206)]
        assert 1 <= len(requests) <= turns
        call.nobody_noticed()
        for client in (publisher, greedy):
            client.socket.close()


def test_a_flood_of_connectivity_checks(tmp_path: Path) -> None:
    with live_call(tmp_path) as call:
        client = BenchClient(call.identity, receives=1)
        answer = call.worker.answer("room", "eager", client.offer)
        client.connect(answer)
        lines = (line.partition(":") for line in answer.splitlines())
        values = {name: value for name, _, value in lines if name in ("a=ice-ufrag", "a=ice-pwd")}
        request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{values['a=ice-ufrag']}:{client.ufrag}"
        request.attributes["PRIORITY"] = 1
        request.attributes["ICE-CONTROLLING"] = 1
        request.add_message_integrity(values["a=ice-pwd"].encode())
        check = bytes(request)

        def flood() -> None:
            for _ in range(300):
                client.socket.send(check)
            drain(client)

        call.while_it_goes_on(flood, 5)
        with call.memory_stays():
            call.while_it_goes_on(flood, 20)
        call.nobody_noticed()
        assert call.counters()["dropped_stun_rate_limited"] > 0
        client.socket.close()


def test_a_layer_that_was_not_offered(tmp_path: Path) -> None:
    """Under another SSRC, with the section's mid and a rid that nobody agreed on, while the declared stream goes on."""
    with live_call(tmp_path, slots=2) as call:
        sender = BenchClient(call.identity, publishes=True)
        call.join("sender", sender)
        publish(sender, call, 5)
        stranger = secrets.randbits(31)
        for turn in range(10):
            publish(sender, call, 2, first=6 + 2 * turn)
            for number in range(50):
                packet = rtp(VIDEO_TYPE, 50 * turn + number, stranger, KEYFRAME, mid="1", rid="huge")
                sender.socket.send(sender.protect(packet))
        call.nobody_noticed()
        counters = call.counters()
        assert counters["dropped_rtp_unknown_stream"] == 500
        assert call.worker.statistics().peers["room/sender"]["packets_received"] == 50
        sender.socket.close()


@pytest.mark.parametrize("mid", ["", "1"])
def test_thousands_of_ssrcs(tmp_path: Path, mid: str) -> None:
    with live_call(tmp_path) as call:
        sender = BenchClient(call.identity, publishes=True)
        call.join("sender", sender)
        publish(sender, call, 5)
        sent = 0

        def send(number: int) -> None:
            nonlocal sent
            for _ in range(number):
                sent += 1
                sender.socket.send(sender.protect(rtp(VIDEO_TYPE, sent, 1000 + sent, KEYFRAME, mid=mid)))

        call.while_it_goes_on(lambda: send(200), 5)
        with call.memory_stays():
            call.while_it_goes_on(lambda: send(200), 20)
        # What was declared and heard before goes on.
        before = call.worker.statistics().peers["room/sender"]["packets_received"]
        publish(sender, call, 5, first=6)
        assert call.worker.statistics().peers["room/sender"]["packets_received"] >= before + 10
        call.nobody_noticed()
        assert call.counters()["dropped_srtp_too_many_sources"] > 4000
        sender.socket.close()


def test_the_ssrcs_of_somebody_else(tmp_path: Path) -> None:
    """Numbers are a peer's own: two who chose the same ones disturb neither each other nor who sees them both."""
    with live_call(tmp_path, slots=2) as call:
        double = BenchClient(call.identity, publishes=True, receives=2)
        double.audio_ssrc, double.video_ssrc = call.anna.audio_ssrc, call.anna.video_ssrc
        call.join("double", double)
        for turn in range(10):
            publish(double, call, 3, first=1 + 3 * turn)
        assert call.worker.statistics().peers["room/double"]["packets_received"] == 60
        call.nobody_noticed()
        call.worker.disconnect("room", "double")
        call.nobody_noticed()
        double.socket.close()


class NeverReady(BenchClient):
    """Passes the connectivity check, says hello, and then nothing more."""

    def _shake_hands(self) -> None:
        connection = SSL.Connection(self._identity.context)
        connection.set_ciphertext_mtu(MAXIMUM_DATAGRAM)
        connection.set_connect_state()
        with pytest.raises(SSL.WantReadError):
            connection.do_handshake()
        self.socket.send(connection.bio_read(2000))


def test_handshakes_that_never_end(tmp_path: Path) -> None:
    """They hold no more than their seat, and give it up for who comes under the same name."""
    with live_call(tmp_path) as call:
        clients: list[BenchClient] = []

        def begin() -> None:
            client = NeverReady(call.identity, publishes=True)
            clients.append(client)
            call.join(f"never-{len(clients) % 5}", client)

        call.while_it_goes_on(begin, 10)
        with call.memory_stays():
            call.while_it_goes_on(begin, 30)
        assert call.counters()["peers"] == 2 + 5
        call.nobody_noticed()
        for client in clients:
            client.socket.close()


@pytest.mark.slow
def test_a_handshake_has_a_deadline(tmp_path: Path) -> None:
    with live_call(tmp_path) as call:
        client = NeverReady(call.identity, publishes=True)
        call.join("never", client)
        # HANDSHAKE_DEADLINE is 15 s.
        for _ in range(40):
            call.go_on(0.5)
            if call.counters()["peers"] == 2:
                break
        assert call.counters()["peers"] == 2
        call.nobody_noticed()
        client.socket.close()


def test_ten_joins_and_leaves_a_second(tmp_path: Path) -> None:
    """In each slice of a tenth of a second one comes and one goes."""
    with live_call(tmp_path) as call, ExitStack() as sockets:
        names = iter(f"guest-{number}" for number in range(1000))
        inside: list[tuple[str, BenchClient]] = []

        def change() -> None:
            name, client = next(names), BenchClient(call.identity, publishes=len(inside) % 2 == 0, receives=2)
            sockets.enter_context(client.socket)
            call.join(name, client)
            if client.publishes:
                client.socket.send(client.protect(rtp(AUDIO_TYPE, 1, client.audio_ssrc, mid="0")))
            inside.append((name, client))
            if len(inside) > 3:
                name, client = inside.pop(0)
                call.worker.disconnect("room", name)
                client.socket.close()

        call.while_it_goes_on(change, 20)
        call.memory_settles(lambda: call.while_it_goes_on(change, 60))
        assert call.counters()["peers"] == 2 + 3
        call.nobody_noticed()
