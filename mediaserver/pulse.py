"""How late the event loop comes to its timers: what a packet may have to wait for."""


class Pulse:
    """Looks at a timer that is due anyway. Times are the loop's seconds."""

    def __init__(self) -> None:
        self._due = 0.0
        self._beats = 0
        self._late = 0.0
        self._latest = 0.0

    def expect(self, at: float) -> None:
        self._due = at

    def beat(self, now: float) -> None:
        late = max(0.0, now - self._due)
        self._beats += 1
        self._late += late
        self._latest = max(self._latest, late)

    def take(self) -> dict[str, int]:
        """Counters, in microseconds; the greatest delay is that since the last call."""
        latest, self._latest = self._latest, 0.0
        return {
            "loop_beats": self._beats,
            "loop_delay_us": int(self._late * 1e6),
            "loop_delay_max_us": int(latest * 1e6),
        }
