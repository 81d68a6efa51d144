"""Our own mistakes on the packet path: counted, told seldom, and kept from harming anybody else."""

import logging
import time

from mediaserver.drops import Drop, Drops

_LOG_EVERY = 10.0
"""Seconds: whoever finds a packet that trips us must not be able to fill the disk with it."""

logger = logging.getLogger(__name__)


class Faults:
    """Used inside `except Exception`, at the outermost place on the packet path."""

    def __init__(self, drops: Drops) -> None:
        self._drops = drops
        self._logged_at = -_LOG_EVERY

    def happened(self, where: str) -> None:
        """Counts the exception being handled, and logs it unless one was logged just now."""
        self._drops.counts[Drop.FAULT] += 1
        now = time.monotonic()
        if now - self._logged_at >= _LOG_EVERY:
            self._logged_at = now
            logger.exception("a fault in %s", where)
