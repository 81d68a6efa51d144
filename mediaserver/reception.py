"""What the publisher is told of the reception of one stream (RFC 3550 section 6.4.1), and what it told of its clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mediaserver.rtcp import ReportBlock, SenderReport

if TYPE_CHECKING:
    from mediaserver.incoming import IncomingStream


class Reception:
    __slots__ = ("_expected_before", "_received_before", "fraction_lost", "passed_on_at", "report", "report_arrival")

    def __init__(self) -> None:
        self.report: SenderReport | None = None
        """The last sender report."""
        self.report_arrival = 0.0
        self.passed_on_at = float("-inf")
        """When a report was last passed on to subscribers."""
        self.fraction_lost = 0
        """In 1/256, between the last two blocks."""
        self._expected_before = 0
        self._received_before = 0

    def block(self, stream: IncomingStream, worst_loss: int, now: float) -> ReportBlock:
        """Statistics since the last block (RFC 3550 appendix A.3). `worst_loss`: the least fraction lost to tell."""
        expected = stream.highest - stream.first + 1
        received = stream.packets - stream.recovered
        expected_now, received_now = expected - self._expected_before, received - self._received_before
        self._expected_before, self._received_before = expected, received
        lost = max(0, expected_now - received_now)
        self.fraction_lost = min(255, lost * 256 // expected_now) if expected_now > 0 else 0
        last, delay = 0, 0
        if self.report is not None:
            last = (self.report.ntp >> 16) & 0xFFFFFFFF
            delay = int((now - self.report_arrival) * 65536)
        return ReportBlock(
            ssrc=stream.ssrc,
            fraction_lost=max(self.fraction_lost, worst_loss),
            packets_lost=max(0, expected - received),
            highest_sequence=(stream.highest - 0x10000) & 0xFFFFFFFF,
            jitter=int(stream.jitter),
            last_sender_report=last,
            delay_since_last=delay,
        )
