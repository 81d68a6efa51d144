"""Framing of the link between server and worker: a 4-byte big-endian length, then msgpack. Both ends use this file."""

import asyncio
from typing import TypeVar

import msgspec

from mediaserver.link_messages import MAXIMUM_FRAME

_encoder = msgspec.msgpack.Encoder()
_T = TypeVar("_T")


class FrameError(Exception):
    """The other side sent what is no frame: the link is of no more use."""


def encode_frame(message: msgspec.Struct) -> bytes:
    body = _encoder.encode(message)
    if len(body) > MAXIMUM_FRAME:
        raise FrameError(f"a frame of {len(body)} bytes")
    return len(body).to_bytes(4, "big") + body


async def read_frame(reader: asyncio.StreamReader, decoder: msgspec.msgpack.Decoder[_T]) -> _T | None:
    """The next message; None when the other side has closed the link. Raises `FrameError`."""
    try:
        length = int.from_bytes(await reader.readexactly(4), "big")
        if length > MAXIMUM_FRAME:
            raise FrameError(f"a frame of {length} bytes")
        return decoder.decode(await reader.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    except msgspec.DecodeError as error:
        raise FrameError("not a message of the link") from error
