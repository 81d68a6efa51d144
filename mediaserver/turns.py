"""Whose turn it is: everybody once a round, a few at a time, so that no packet waits until all have had theirs."""

from collections.abc import Callable
from typing import Generic, TypeVar

Member = TypeVar("Member")


class Turns(Generic[Member]):
    """A round of so many steps. Who comes during a round has the first turn in the next one; who left meanwhile may
    still get one."""

    def __init__(self, steps: int, everybody: Callable[[], list[Member]]) -> None:
        self._steps = steps
        self._everybody = everybody
        self._step = -1
        self._round: list[Member] = []
        self.rounds = 0
        """How many have begun."""

    def next(self) -> list[Member]:
        """Those of the next step."""
        self._step = (self._step + 1) % self._steps
        if self._step == 0:
            self._round = self._everybody()
            self.rounds += 1
        return self._round[self._step :: self._steps]
