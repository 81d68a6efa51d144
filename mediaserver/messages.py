"""Many datagrams with one call to the kernel: recvmmsg(2) and sendmmsg(2), which Python's sockets do not know.

`recvfrom` and `sendto` make objects of every address and datagram; together they cost as much as all else that happens
to a packet. Here the kernel reads and writes the places of the packets, and an address stays what the kernel makes of
it.
"""

import ctypes
import socket

from mediaserver.places import PLACE_BYTES, Places


class _Vector(ctypes.Structure):
    """struct iovec."""

    _fields_ = (("base", ctypes.c_size_t), ("length", ctypes.c_size_t))


class _Header(ctypes.Structure):
    """struct msghdr, as 64-bit Linux has it."""

    _fields_ = (
        ("name", ctypes.c_size_t),
        ("name_length", ctypes.c_uint32),
        ("vector", ctypes.c_size_t),
        ("vectors", ctypes.c_size_t),
        ("control", ctypes.c_size_t),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Message(ctypes.Structure):
    """struct mmsghdr."""

    _fields_ = (("header", _Header), ("length", ctypes.c_uint32))


_BYTES = ctypes.sizeof(_Message)
NAME_STRIDE, NAME_LENGTH_STRIDE, LENGTH_STRIDE, TO_SEND_STRIDE = _BYTES // 8, _BYTES // 4, _BYTES // 4, 2

_libc = ctypes.CDLL(None, use_errno=True)
_libc.recvmmsg.argtypes = (ctypes.c_int, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_size_t)
_libc.sendmmsg.argtypes = (ctypes.c_int, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int)


class Messages:
    """So many places, and what the kernel is to be told of each.

    Of message number n there is in `names[n * NAME_STRIDE]` where in memory its address lies, in `name_lengths`
    (`NAME_LENGTH_STRIDE`) how many bytes that has, in `lengths` (`LENGTH_STRIDE`) how many came, and in `to_send`
    (`TO_SEND_STRIDE`) how many are to be sent.
    """

    def __init__(self, size: int, headroom: int = 0) -> None:
        self.size = size
        self.places = Places(size, headroom)
        vector_bytes, message_bytes = bytearray(size * ctypes.sizeof(_Vector)), bytearray(size * _BYTES)
        self._vectors = (_Vector * size).from_buffer(vector_bytes)
        self._messages = (_Message * size).from_buffer(message_bytes)
        for number, (vector, message) in enumerate(zip(self._vectors, self._messages, strict=True)):
            vector.base = self.places.address + number * PLACE_BYTES
            vector.length = PLACE_BYTES - headroom
            message.header.vector, message.header.vectors = ctypes.addressof(vector), 1
        self._address = ctypes.addressof(self._messages)
        messages = memoryview(message_bytes)
        self.names = messages.cast("Q")
        self.name_lengths = messages.cast("I")[_Header.name_length.offset // 4 :]
        self.lengths = messages.cast("I")[_Message.length.offset // 4 :]
        self.to_send = memoryview(vector_bytes).cast("Q")[_Vector.length.offset // 8 :]

    def receive(self, descriptor: int) -> int:
        """Without waiting. How many came; negative: none, and `error` says why."""
        return int(_libc.recvmmsg(descriptor, self._address, self.size, socket.MSG_DONTWAIT, 0))

    def send(self, descriptor: int, first: int, count: int) -> int:
        """Without waiting. How many of these were taken; negative: not one, and `error` says why the first was not."""
        return int(_libc.sendmmsg(descriptor, self._address + first * _BYTES, count, socket.MSG_DONTWAIT))


error = ctypes.get_errno
"""The `errno` of the last call."""
