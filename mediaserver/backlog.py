"""What a TCP connection could not send yet, in two short queues: a slow reader loses pictures, never sound first."""

from collections import deque

MAXIMUM_VIDEO = 64 * 1024
"""Bytes: at 1 Mbit/s half a second. Older pictures are of no use to anybody."""
MAXIMUM_URGENT = 32 * 1024
"""Sound, RTCP, DTLS and STUN: of one person's sound some seconds."""


class Backlog:
    """Frames in order within their class; the urgent ones overtake the pictures."""

    __slots__ = ("_sizes", "_urgent", "_video")

    def __init__(self) -> None:
        self._urgent: deque[bytes] = deque()
        self._video: deque[bytes] = deque()
        self._sizes = [0, 0]

    @property
    def size(self) -> int:
        """Bytes waiting."""
        return sum(self._sizes)

    def add(self, frame: bytes, *, video: bool) -> bool:
        """False: its class is full, and the frame is left out."""
        limit, queue = (MAXIMUM_VIDEO, self._video) if video else (MAXIMUM_URGENT, self._urgent)
        if self._sizes[video] + len(frame) > limit:
            return False
        self._sizes[video] += len(frame)
        queue.append(frame)
        return True

    def take(self) -> bytes:
        """The next frame to send; empty when nothing waits."""
        video = not self._urgent
        queue = self._video if video else self._urgent
        if not queue:
            return b""
        frame = queue.popleft()
        self._sizes[video] -= len(frame)
        return frame

    def clear(self) -> int:
        """How many frames are thus left out."""
        left_out = len(self._urgent) + len(self._video)
        self._urgent.clear()
        self._video.clear()
        self._sizes = [0, 0]
        return left_out
