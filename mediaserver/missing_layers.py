"""A layer that was chosen, and that its publisher does not send although it sends a higher one, is not there."""

_NEVER = 1 << 40
_PATIENCE_SECONDS = 4.0
_FORGIVE_SECONDS = 30.0


class MissingLayers:
    """Of one picture."""

    __slots__ = ("_chosen", "_given_up", "_since")

    def __init__(self) -> None:
        self._chosen = self._given_up = -1
        self._since = 0.0

    def left_out(self, rates: tuple[tuple[int, ...], ...], chosen: int, now: float) -> tuple[tuple[int, ...], ...]:
        """`rates` with those of a missing layer beyond any budget, for a while."""
        if self._given_up >= 0 and now - self._since > _FORGIVE_SECONDS:
            self._given_up = self._chosen = -1
        if self._given_up < 0:
            absent = 0 <= chosen < len(rates) and not rates[chosen][-1] and any(row[-1] for row in rates[chosen + 1 :])
            if not absent:
                self._chosen = -1
            elif chosen != self._chosen:
                self._chosen, self._since = chosen, now
            elif now - self._since > _PATIENCE_SECONDS:
                self._given_up, self._since = chosen, now
        if not 0 <= self._given_up < len(rates):
            return rates
        return tuple((_NEVER,) if number == self._given_up else row for number, row in enumerate(rates))
