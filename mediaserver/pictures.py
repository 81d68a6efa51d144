"""Renumbers the pictures of one incoming stream, and says which of them are left out, by VP8's payload descriptor.

Temporal layers above a limit are left out whole pictures at a time. The limit falls with the next picture; it rises
only with a picture that needs nothing which was left out: a keyframe, or a layer-sync picture of the next layer.
What goes out counts on without a gap of ours from the last picture of the stream before.
"""

from __future__ import annotations

from mediaserver.keyframes import vp8_starts_keyframe
from mediaserver.vp8 import (
    ABSENT,
    PICTURE_BITS,
    TEMPORAL_LAYERS,
    Descriptor,
    PictureNumbers,
    begins_picture,
    read_descriptor,
    write_tail,
)

ALL_LAYERS = TEMPORAL_LAYERS - 1

_MEMORY = 256
"""So many pictures of the past are known, for packets that come late or are asked for again."""
_MASK = _MEMORY - 1
_LEFT_OUT = -1
_FIRST = 1 << 20
"""Added to the first picture's number, so that none is ever negative; wider than any field."""


class Pictures:
    """`begin` for each packet in order that starts another picture than the last: then `kept` says whether it goes
    out, `tail` what stands in the place of the descriptor's octets 1 to `length`."""

    __slots__ = (
        "_continued",
        "_key_offset",
        "_known",
        "_limit",
        "_offset",
        "_outgoing",
        "_picture",
        "_reserved",
        "_tl0_offset",
        "_values",
        "kept",
        "length",
        "tail",
        "told",
        "wish",
    )

    def __init__(self, continued: PictureNumbers | None, *, limit: int, wish: int) -> None:
        """`continued`: what went out last, for a stream that takes over with a keyframe; None: numbers stay as they
        are. `limit`: the highest temporal layer that goes out so far; `wish`: that shall."""
        self._continued = continued
        self._limit = limit
        self.wish = wish
        self.kept = True
        self.length = 1
        self.tail = b""
        self.told: bytes | None = None
        """The descriptor's octets 1 to `length` as they came; None: nothing to compare with."""
        self._picture = ABSENT
        self._offset = self._tl0_offset = self._key_offset = 0
        self._values = PictureNumbers()
        self._known = [ABSENT] * _MEMORY
        self._outgoing = [_LEFT_OUT] * _MEMORY
        self._reserved: set[int] = set()
        """Pictures of which nothing came yet: they have a number, and are judged when they come."""

    @property
    def unchanged(self) -> bool:
        """Whether packets go out just as they come, and will."""
        return (
            not (self._offset % (1 << PICTURE_BITS) or self._tl0_offset % 256 or self._key_offset % 32)
            and self.wish == self._limit == ALL_LAYERS
            and self._picture != ABSENT
        )

    @property
    def last(self) -> PictureNumbers | None:
        """What went out last; None: nothing of this stream, nor of the one before."""
        values = self._values
        if self._picture == ABSENT:
            return self._continued
        return PictureNumbers(
            self._picture + self._offset,
            ABSENT if values.tl0 == ABSENT else values.tl0 + self._tl0_offset,
            ABSENT if values.key == ABSENT else values.key + self._key_offset,
        )

    def begin(self, payload: bytes) -> None:
        read = read_descriptor(payload)
        if read is None or read.picture == ABSENT:
            self.kept, self.length, self.tail, self.told = True, 1, b"", None
            return
        keyframe = vp8_starts_keyframe(payload)
        picture = self._place(read, keyframe=keyframe)
        if picture != self._picture:
            self._judge(read, keyframe=keyframe, continues=self._picture == ABSENT and not begins_picture(payload))
            self._enter(picture, read)
        if self.kept:
            self.tail = self._written(payload, read, picture + self._offset)
        self.length = read.length
        self.told = payload[1 : read.length]

    def _enter(self, picture: int, read: Descriptor) -> None:
        before = self._values
        self._picture = picture
        self._values = PictureNumbers(picture, _newer(read.tl0, before.tl0), _newer(read.key, before.key))
        self._reserved.discard(picture & _MASK)
        self._known[picture & _MASK] = picture
        self._outgoing[picture & _MASK] = picture + self._offset if self.kept else _LEFT_OUT
        if not self.kept:
            self._offset -= 1

    def _place(self, read: Descriptor, *, keyframe: bool) -> int:
        """The picture's unbounded number; notes what is missing before it."""
        if self._picture == ABSENT:
            if self._continued is not None:
                self._align(read, _FIRST + read.picture, self._continued)
            return _FIRST + read.picture
        picture = _unwrapped(read, self._picture)
        missing = picture - self._picture - 1
        if keyframe and picture != self._picture and not 0 <= missing < _MEMORY:
            self._align(read, picture, self.last or PictureNumbers())
        elif missing < _MEMORY:
            for number in range(self._picture + 1, picture):
                self._known[number & _MASK] = number
                self._outgoing[number & _MASK] = number + self._offset
                self._reserved.add(number & _MASK)
        return picture

    def _align(self, read: Descriptor, picture: int, before: PictureNumbers) -> None:
        if before.picture != ABSENT:
            self._offset = before.picture + 1 - picture
        if before.tl0 != ABSENT and read.tl0 != ABSENT:
            self._tl0_offset = before.tl0 + 1 - read.tl0
        if before.key != ABSENT and read.key != ABSENT:
            self._key_offset = before.key + 1 - read.key

    def _judge(self, read: Descriptor, *, keyframe: bool, continues: bool) -> None:
        """`continues`: the picture began before we did; it is not cut in two."""
        if self.wish < self._limit or keyframe:
            self._limit = self.wish
        elif self._limit < self.wish and read.sync and read.temporal == self._limit + 1:
            self._limit = read.temporal
        self.kept = continues or read.temporal <= self._limit

    def past(self, payload: bytes) -> tuple[int, bytes] | None:
        """(length, tail) of a packet that comes late or is sent again; None when its picture is left out."""
        read = read_descriptor(payload)
        if read is None or read.picture == ABSENT or self._picture == ABSENT:
            return 1, b""
        picture = _unwrapped(read, self._picture)
        slot = picture & _MASK
        if self._known[slot] != picture or self._outgoing[slot] == _LEFT_OUT:
            return None
        if slot in self._reserved:
            self._reserved.discard(slot)
            if read.temporal > self._limit:
                self._outgoing[slot] = _LEFT_OUT
                return None
        return read.length, self._written(payload, read, self._outgoing[slot])

    def _written(self, payload: bytes, read: Descriptor, picture: int) -> bytes:
        numbers = PictureNumbers(picture, read.tl0 + self._tl0_offset, read.key + self._key_offset)
        return write_tail(payload, read, numbers)


def _unwrapped(read: Descriptor, near: int) -> int:
    half = 1 << read.picture_bits - 1
    return near + ((read.picture - near + half) & 2 * half - 1) - half


def _newer(value: int, before: int) -> int:
    return before if value == ABSENT else value
