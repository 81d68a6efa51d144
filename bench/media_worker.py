"""A media worker process of the bench's own, and the blocking end of its link."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import msgspec

from mediaserver.link_frames import encode_frame
from mediaserver.link_messages import (
    Answer,
    Disconnect,
    Offer,
    Reply,
    Request,
    Statistics,
    StatisticsReply,
    Upward,
)

_PATIENCE_SECONDS = 20.0


class BenchWorker:
    """One worker, alone with us."""

    def __init__(self, process: subprocess.Popen[bytes], link: socket.socket) -> None:
        self._process = process
        self._link = link
        self._numbers = count(1)
        self._decoder: msgspec.msgpack.Decoder[Upward] = msgspec.msgpack.Decoder(Upward)

    def answer(self, room: str, peer: str, sdp: str) -> str:
        """Of a new connection: an earlier one of the same peer is replaced."""
        number = next(self._numbers)
        reply = self._ask(Offer(number, room, peer, f"connection-{number}", 1, sdp))
        if not isinstance(reply, Answer):
            raise RuntimeError(f"the worker refused an offer: {reply}")
        return reply.sdp

    def disconnect(self, room: str, peer: str) -> None:
        self._ask(Disconnect(next(self._numbers), room, peer))

    def statistics(self) -> StatisticsReply:
        reply = self._ask(Statistics(next(self._numbers)))
        if not isinstance(reply, StatisticsReply):
            raise RuntimeError(f"the worker gave no statistics: {reply}")
        return reply

    @property
    def pid(self) -> int:
        return self._process.pid

    def _ask(self, request: Request) -> Reply:
        self._link.sendall(encode_frame(request))
        while True:
            length = int.from_bytes(self._read(4), "big")
            message = self._decoder.decode(self._read(length))
            if isinstance(message, Reply) and message.request == request.request:
                return message

    def _read(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            more = self._link.recv(length - len(data))
            if not more:
                raise RuntimeError("the worker ended")
            data += more
        return data


@contextmanager
def bench_worker(*arguments: str, address: str = "127.0.0.1", log: int | None = None) -> Iterator[BenchWorker]:
    """`python -m mediaserver` on this address and any UDP port, ended on exit. `log`: where it writes its log."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "worker.sock"
        command = [sys.executable, "-m", "mediaserver", "--socket", str(path), "--udp-ports", "0"]
        process = subprocess.Popen([*command, "--announce", address, *arguments], env=os.environ, stderr=log)
        try:
            link = _connect(path, process)
            with link:
                yield BenchWorker(process, link)
        finally:
            process.terminate()
            process.wait(_PATIENCE_SECONDS)


def _connect(path: Path, process: subprocess.Popen[bytes]) -> socket.socket:
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    link.settimeout(_PATIENCE_SECONDS)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            link.connect(str(path))
            return link
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the worker did not start")
