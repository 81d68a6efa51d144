"""One section that a peer publishes: its formats, its present streams, and who subscribes to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mediaserver.negotiated import Codec, Section

if TYPE_CHECKING:
    from mediaserver.incoming import IncomingStream
    from mediaserver.subscription import Subscription

SILENT_SECONDS = 0.6
"""A simulcast layer this silent is not followed while another one flows."""
_STILL_SECONDS = 3.0
"""An only layer may be a screen on which nothing moves: a picture a second."""


class PublishedSection:
    """Outlives its streams: a browser that changes SSRC keeps its subscribers. A simulcast layer is one stream."""

    __slots__ = ("_alive", "_wanted", "codecs", "layers", "repairs", "section", "subscriptions")

    def __init__(self, section: Section) -> None:
        self.subscriptions: list[Subscription] = []
        self.layers: list[IncomingStream | None] = [None] * max(1, len(section.rids))
        """Low to high; exactly one without simulcast."""
        self._alive: frozenset[int] = frozenset()
        self._wanted = frozenset({len(self.layers) - 1})
        self.renegotiate(section)

    def renegotiate(self, section: Section) -> None:
        """The ids or formats may have changed; with other layers it is another section."""
        self.section = section
        self.codecs: dict[int, Codec] = {codec.payload_type: codec for codec in section.codecs}
        self.repairs: dict[int, int] = {
            codec.rtx_payload_type: codec.payload_type for codec in section.codecs if codec.rtx_payload_type
        }
        """RTX payload type → that of the packets it repairs."""

    @property
    def stream(self) -> IncomingStream | None:
        """The highest layer that is there."""
        for stream in reversed(self.layers):
            if stream is not None:
                return stream
        return None

    def set_stream(self, layer: int, stream: IncomingStream | None, now: float) -> None:
        """A layer's stream is another one now, or none: subscriptions follow."""
        before = self.layers[layer]
        self.layers[layer] = stream
        self._alive = self._alive - {layer} if stream is None else self._alive | {layer}
        for subscription in self.subscriptions:
            if before is not None:
                subscription.leave(before)
            subscription.follow(now)

    def want(self, layers: frozenset[int], now: float) -> None:
        """Which layers the publisher is, or will be, told to send: the others are about to fall silent."""
        if layers != self._wanted:
            self._wanted = layers
            self._follow(now)

    @property
    def sent(self) -> frozenset[int]:
        """Layers that flow."""
        return self._alive

    def look(self, now: float) -> None:
        """Once a tick, with simulcast: leads subscriptions away from layers that fell silent, and back."""
        alive = frozenset(
            number
            for number, stream in enumerate(self.layers)
            if stream is not None and now - stream.arrival < SILENT_SECONDS
        )
        if alive != self._alive:
            self._alive = alive
            self._follow(now)
        for subscription in self.subscriptions:
            if subscription.is_shaped:
                subscription.settle()

    def _follow(self, now: float) -> None:
        for subscription in self.subscriptions:
            subscription.follow(now)

    def pick(self, most: int, *, strictly: bool = False) -> IncomingStream | None:
        """The stream for who wants at most layer `most`: the best one that flows and will, else the next better one,
        else one that may flow again. `strictly`: never a better one than `most`."""
        present = self._present
        for candidates in (self._alive & self._wanted, self._alive, present & self._wanted, present):
            stream = self._best(candidates, most, strictly=strictly)
            if stream is not None:
                return stream
        return None

    def hoped_for(self, most: int, *, strictly: bool = False) -> IncomingStream | None:
        """What `pick` would say if all that the publisher is told to send flowed."""
        return self._best(self._present & self._wanted, most, strictly=strictly)

    @property
    def _present(self) -> frozenset[int]:
        return frozenset(number for number, stream in enumerate(self.layers) if stream is not None)

    def _best(self, candidates: frozenset[int], most: int, *, strictly: bool) -> IncomingStream | None:
        allowed = [number for number in candidates if number <= most]
        if allowed or (candidates and not strictly):
            return self.layers[max(allowed) if allowed else min(candidates)]
        return None

    def rates(self, now: float) -> tuple[tuple[int, ...], ...]:
        """Of each layer, see `LayerRates.measure`; all of `temporal_layers`, zeros for a layer that is not sent."""
        measured = [self._measured(stream, now) for stream in self.layers]
        return tuple(rates + rates[-1:] * (self.temporal_layers - len(rates)) for rates in measured)

    def _measured(self, stream: IncomingStream | None, now: float) -> tuple[int, ...]:
        if stream is None:
            return (0,)
        alone = sum(each is not None for each in self.layers) == 1
        if now - stream.arrival > (_STILL_SECONDS if alone else SILENT_SECONDS):
            stream.rates.pause()
            return (0,)
        return stream.rates.measure(stream, now)

    @property
    def frames_per_second(self) -> float:
        """Of the layer that had most when the rates were measured; 0 = not known."""
        return max((stream.rates.frames_per_second for stream in self.layers if stream is not None), default=0.0)

    @property
    def temporal_layers(self) -> int:
        """How many were seen when the rates were measured."""
        return max((stream.rates.layers for stream in self.layers if stream is not None), default=1)

    def add(self, subscription: Subscription) -> None:
        self.subscriptions.append(subscription)

    def remove(self, subscription: Subscription) -> None:
        self.subscriptions.remove(subscription)
