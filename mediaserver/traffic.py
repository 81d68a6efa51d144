"""Packets and octets of a worker as counters that never fall: those of people who left are kept."""

from collections import Counter
from collections.abc import Iterable

from mediaserver.peer_media import PeerMedia

_COUNTED = (
    "packets_received",
    "octets_received",
    "packets_recovered",
    "packets_sent",
    "octets_sent",
    "packets_retransmitted",
)


class Traffic:
    def __init__(self) -> None:
        self._left: Counter[str] = Counter(dict.fromkeys(_COUNTED, 0))

    def left(self, media: PeerMedia) -> None:
        """Somebody's transport was freed."""
        self._add(self._left, media)

    def with_living(self, living: Iterable[PeerMedia]) -> dict[str, int]:
        """`packets_sent` and so on, since the worker began."""
        total = Counter(self._left)
        for media in living:
            self._add(total, media)
        return dict(total)

    def _add(self, total: Counter[str], media: PeerMedia) -> None:
        counters = media.statistics()
        for name in _COUNTED:
            total[name] += counters[name]
