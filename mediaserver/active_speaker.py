"""Who speaks, from the audio levels that publishers send along (RFC 6464).

Everybody is measured against their own background, the quietest of the last seconds, so that a sensitive microphone has
no advantage and a steady noise is no voice. Two averages of that: a fast one says who speaks at all (a cough is over
before it rises), a slow one says whose word it is when several speak. Whoever became the speaker stays it for a while.
The idea of comparing activity over spans of different lengths: I. Volfin, I. Cohen, "Dominant speaker identification
for multipoint videoconferencing", Computer Speech and Language 27 (2013).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

LISTEN_SECONDS = 0.1
"""How often to call `hear`."""
HOLD_SECONDS = 2.0
"""So long whoever became the speaker stays it."""
QUIET_SECONDS = 3.0
"""After so much silence nobody is the speaker."""

_VOICE_BIT = 0x80
_MUTED = -120
"""dBov: no microphone is so quiet."""
_QUIETEST_VOICE = -60
_ABOVE_BACKGROUND = 10
"""dB."""
_FULL_STRENGTH = 30
"""dB above the background."""
_USUAL_BACKGROUND = -50
"""dBov, of a microphone not known for long."""
_BACKGROUND_SPANS = 6
_SPAN_LISTENINGS = 10
"""Six seconds in all: nobody speaks so long without a pause."""
_FAST_SECONDS = 0.3
_SLOW_SECONDS = 1.5
_SPEAKS = 0.7
"""Of the fast average: some 0.35 s of unbroken voice."""
_PAUSE_SECONDS = 0.8
"""A pause for breath is shorter."""
_DOMINATES = 0.35
"""By so much the slow average of who takes over is above the speaker's."""


class _Voice:
    """One publisher's microphone."""

    __slots__ = ("_quietest", "_span", "_spans", "_tells_voice", "fast", "last", "slow")

    def __init__(self) -> None:
        self.fast = self.slow = 0.0
        self.last = -math.inf
        """When a voice was heard last."""
        self._tells_voice = False
        self._quietest = 0
        self._span = 0
        self._spans: tuple[int, ...] = ()

    def hear(self, level: int, fast: float, slow: float, now: float) -> None:
        """`level` as in RFC 6464; `fast`, `slow`: the weights of this listening."""
        loudness = -(level & 0x7F)
        self._tells_voice = self._tells_voice or bool(level & _VOICE_BIT)
        above = loudness - self._background(loudness)
        silent = self._tells_voice and not level & _VOICE_BIT
        voiced = not silent and loudness >= _QUIETEST_VOICE and above >= _ABOVE_BACKGROUND
        strength = min(1.0, above / _FULL_STRENGTH) if voiced else 0.0
        self.fast += (voiced - self.fast) * fast
        self.slow += (strength - self.slow) * slow
        if voiced:
            self.last = now

    def _background(self, loudness: int) -> int:
        """Of the spans before; a muted microphone says nothing of its room."""
        if loudness > _MUTED:
            self._quietest = min(self._quietest, loudness)
            self._span += 1
            if self._span == _SPAN_LISTENINGS:
                self._spans = (*self._spans[1 - _BACKGROUND_SPANS :], self._quietest)
                self._quietest, self._span = 0, 0
        quietest = min((self._quietest, *self._spans))
        return quietest if len(self._spans) == _BACKGROUND_SPANS else min(quietest, _USUAL_BACKGROUND)


class ActiveSpeaker:
    """Of one room. `speaker`: a name, None when nobody has spoken for a while."""

    def __init__(self) -> None:
        self.speaker: str | None = None
        self._since = -math.inf
        self._heard = -math.inf
        self._voices: dict[str, _Voice] = {}

    def hear(self, levels: Mapping[str, int], now: float) -> None:
        """Everybody's present level by name (voice bit and -dBov, RFC 6464); whoever is not named is gone."""
        passed = min(now - self._heard, 2 * LISTEN_SECONDS)
        self._heard = now
        fast, slow = 1 - math.exp(-passed / _FAST_SECONDS), 1 - math.exp(-passed / _SLOW_SECONDS)
        self._voices = {name: self._voices.get(name) or _Voice() for name in levels}
        for name, level in levels.items():
            self._voices[name].hear(level, fast, slow, now)
        self._decide(now)

    def _decide(self, now: float) -> None:
        current = self._voices.get(self.speaker) if self.speaker is not None else None
        if current is None:
            self.speaker = None
        elif now - self._since < HOLD_SECONDS:
            return
        speaking = [(voice.slow, name) for name, voice in self._voices.items() if voice.fast >= _SPEAKS]
        strongest, name = max(speaking, default=(0.0, None))
        if name is not None and name != self.speaker and (current is None or _yields(current, strongest, now)):
            self.speaker, self._since = name, now
        elif current is not None and now - current.last > QUIET_SECONDS:
            self.speaker = None


def _yields(current: _Voice, other: float, now: float) -> bool:
    return now - current.last > _PAUSE_SECONDS or other > current.slow + _DOMINATES
