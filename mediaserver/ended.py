"""What subscriptions sent that are no more, so that counters never fall."""

from mediaserver.subscription import Subscription


class EndedSubscriptions:
    """Remembers every SSRC: under one that was used numbering may not begin anew, with the same keys (with AES-GCM a
    repeated nonce gives the key away)."""

    __slots__ = ("_by_slot", "_ssrcs", "octets_sent", "packets_lost", "packets_retransmitted", "packets_sent")

    def __init__(self) -> None:
        self.packets_sent = self.octets_sent = self.packets_retransmitted = self.packets_lost = 0
        self._by_slot: dict[int, list[int]] = {}
        self._ssrcs: set[int] = set()

    def add(self, subscription: Subscription) -> None:
        self.packets_sent += subscription.packets_sent
        self.octets_sent += subscription.octets_sent
        self.packets_retransmitted += subscription.packets_retransmitted
        self.packets_lost += subscription.packets_lost
        if subscription.packets_sent:
            self._by_slot.setdefault(subscription.slot, [0, 0])[subscription.video] += subscription.packets_sent
        self._ssrcs.add(subscription.ssrc)

    def __contains__(self, ssrc: int) -> bool:
        return ssrc in self._ssrcs

    def sent_on(self, slot: int) -> list[int]:
        """Packets of sound, and of picture."""
        return list(self._by_slot.get(slot, (0, 0)))
