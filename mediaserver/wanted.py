"""Which of its pictures a publisher shall send: what somebody can see, and no more. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

LOWER_AFTER_SECONDS = 0.3
"""More is told at once, less when it has stayed so: pages that change their layout do not make cameras flicker."""

MISSED_AFTER_SECONDS = 2.0
"""A camera that begins to send needs a second or two until it has found out what its link holds."""
SUBSTITUTE_SECONDS = 5.0
"""So long the layer in its place stays wanted when the missing one is back."""


class Wanted(NamedTuple):
    """`camera`: layers, low to high; {0} for a camera with one."""

    camera: frozenset[int] = frozenset()
    screen: bool = False

    def with_(self, other: "Wanted") -> "Wanted":
        return Wanted(self.camera | other.camera, self.screen or other.screen)


def wanted_layers(layers: int, wished: Sequence[int]) -> frozenset[int]:
    """Of a camera with so many layers, of which each viewer has a use for at most the wished one, -1 for none at all.
    One viewer gets one stream and governs its bitrate; for several the lowest layer is there to fall back to."""
    highest = [min(layers - 1, layer) for layer in wished if layer >= 0]
    return frozenset(highest if len(highest) <= 1 else {0, *highest})


class Substitutes:
    """Of one camera: when its link does not hold a layer that is wanted, the next lower one shall come in its place, so
    that not everybody sees the lowest. In the place of the lowest, which a small camera does not send beside others,
    the next higher one: not everybody needs the whole."""

    __slots__ = ("_instead", "_silent_since", "_until")

    def __init__(self) -> None:
        self._silent_since: dict[int, float] = {}
        self._until: dict[int, float] = {}
        """By the layer that was missing: how long another one stays wanted."""
        self._instead: dict[int, int] = {}
        """Which one; of layers, of which there are few."""

    def beside(self, wanted: frozenset[int], sent: frozenset[int], now: float) -> frozenset[int]:
        """`wanted` with what shall be sent in the place of what is missing. `sent`: the layers that flow just now."""
        missing = wanted - sent if sent else frozenset[int]()
        self._silent_since = {layer: self._silent_since.get(layer, now) for layer in missing}
        for layer, since in self._silent_since.items():
            if now - since >= MISSED_AFTER_SECONDS:
                self._until[layer] = now + SUBSTITUTE_SECONDS
                self._instead[layer] = layer - 1 if layer > min(sent) else layer + 1
        self._until = {layer: until for layer, until in self._until.items() if now < until and layer in wanted}
        return wanted | {self._instead[layer] for layer in self._until}


class WantedTeller:
    """What one connection was told, and what it is about to be told."""

    __slots__ = ("_aim", "_since", "told")

    def __init__(self, told: Wanted) -> None:
        """`told`: what the page does before it is told anything."""
        self.told = told
        self._aim = told
        self._since = 0.0

    @property
    def pending(self) -> bool:
        return self._aim != self.told

    def aim(self, wanted: Wanted, now: float) -> Wanted | None:
        """What is wanted from now on; what to tell at once, if anything."""
        if wanted != self._aim:
            self._aim = wanted
            self._since = now
        more = self.told.with_(wanted)
        return self._tell(more) if more != self.told else self.due(now)

    def due(self, now: float) -> Wanted | None:
        """What to tell when time has passed."""
        if self.pending and now - self._since >= LOWER_AFTER_SECONDS:
            return self._tell(self._aim)
        return None

    def _tell(self, wanted: Wanted) -> Wanted:
        self.told = wanted
        return wanted
