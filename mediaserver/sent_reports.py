"""Sender reports of one outgoing stream, and the round trip that the answers to them tell (RFC 3550 section 6.4.1)."""

from __future__ import annotations

from collections.abc import Callable

from mediaserver.doubt import RoundTrip
from mediaserver.rtcp import ReportBlock, sender_report, source_description

_MOST_REPORTS = 8


class SentReports:
    """Knows when the last few went out, by the middle of their NTP time."""

    __slots__ = ("_at", "_send")

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send
        self._at: dict[int, float | None] = {}
        """None: sent twice, so an answer does not tell which one it answers."""

    def send(self, ssrc: int, name: str, ntp: int, rtp_timestamp: int, sent: tuple[int, int], now: float) -> None:
        """`name`: the CNAME; `sent`: packets and payload octets so far."""
        named = (ntp >> 16) & 0xFFFFFFFF
        self._at[named] = None if named in self._at else now
        if len(self._at) > _MOST_REPORTS:
            del self._at[next(iter(self._at))]
        report = sender_report(ssrc, ntp & 0xFFFFFFFFFFFFFFFF, rtp_timestamp, *sent)
        self._send(report + source_description(ssrc, name.encode()))

    def round_trip(self, block: ReportBlock, now: float) -> RoundTrip | None:
        """Negative when the block is wrong; None when it answers none of them, or nobody knows which."""
        sent_at = self._at.get(block.last_sender_report)
        return None if sent_at is None else RoundTrip(now - sent_at - block.delay_since_last / 65536, sent_at)
