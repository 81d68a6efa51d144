"""What the supervisor says to whoever started it. Nobody may be listening any more: that ends nothing."""

import contextlib
import os
import sys
from typing import TextIO


def tell(line: str) -> None:
    """One line on standard output: an event, for a program or for people."""
    _write(sys.stdout, line)


def say(line: str) -> None:
    """One line on standard error: what the operator should know."""
    _write(sys.stderr, line)


def _write(stream: TextIO, line: str) -> None:
    """A pipe whose reader went away or a log file on a full disk must not end a process that keeps others running."""
    unwritten = f"{line}\n".encode(errors="replace")
    with contextlib.suppress(OSError):
        # Not through the stream's buffer: what could not be written would be tried again, and fail, at the exit.
        while unwritten:
            unwritten = unwritten[os.write(stream.fileno(), unwritten) :]
