"""The client of `raw_client` over TCP: frames of RFC 4571 instead of datagrams."""

import asyncio
import socket

from tests.mediaserver.raw_client import PATIENCE, RawClient


def frame(datagram: bytes) -> bytes:
    return len(datagram).to_bytes(2, "big") + datagram


class TcpClient(RawClient):
    """Connects with its first `send`."""

    def __init__(self, *, receive_buffer: int = 0, ipv6: bool = False) -> None:
        self._receive_buffer = receive_buffer
        super().__init__(ipv6=ipv6)
        self._connected = False
        self._pending = b""

    def send(self, datagram: bytes) -> None:
        self.send_bytes(frame(datagram))

    def send_bytes(self, data: bytes) -> None:
        if not self._connected:
            self._connected = True
            self.socket.setblocking(True)
            self.socket.connect(self.server)
            self.socket.setblocking(False)
        self.socket.sendall(data)

    async def receive(self, wanted: object = None) -> bytes:
        async with asyncio.timeout(PATIENCE):
            while True:
                datagram = await self._frame()
                if not callable(wanted) or wanted(datagram):
                    return datagram
                self.received.append(datagram)

    async def _frame(self) -> bytes:
        while len(self._pending) < 2 or len(self._pending) < 2 + int.from_bytes(self._pending[:2], "big"):
            data = await asyncio.get_running_loop().sock_recv(self.socket, 65536)
            if not data:
                raise ConnectionResetError
            self._pending += data
        size = int.from_bytes(self._pending[:2], "big")
        datagram, self._pending = self._pending[2 : 2 + size], self._pending[2 + size :]
        return datagram

    async def closed_by_server(self) -> None:
        """Waits for the end of the connection."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(PATIENCE):
            try:
                while await loop.sock_recv(self.socket, 65536):
                    pass
            except ConnectionResetError:
                return

    def move(self) -> None:
        super().move()
        self._connected = False
        self._pending = b""

    def _new_socket(self) -> socket.socket:
        opened = socket.socket(self.family, socket.SOCK_STREAM)
        if self._receive_buffer:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
        opened.setblocking(False)
        return opened
