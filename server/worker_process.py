"""The process behind a worker's socket, as the kernel names it: what the server needs to end one that hangs."""

import contextlib
import os
import signal
import socket
import struct
from pathlib import Path

_CREDENTIALS = struct.Struct("3i")


class WorkerProcess:
    """Names the process by a descriptor (pidfd_open(2)), so that no later process of the same number is ever hit.

    Freed by `close`.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def behind(cls, connected: socket.socket) -> "WorkerProcess | None":
        """The process that listens on the other end of a Unix socket; None unless it was started by whoever started
        this process: others are not ours to end."""
        try:
            credentials = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
            pid, user, _ = _CREDENTIALS.unpack(credentials)
            if pid == os.getpid() or user != os.getuid():
                return None
            descriptor = os.pidfd_open(pid)
        except (OSError, ValueError):
            # Closed meanwhile, which a socket of the event loop says by a ValueError; or gone.
            return None
        if _parent(pid) != os.getppid():
            os.close(descriptor)
            return None
        return cls(descriptor)

    def kill(self) -> None:
        """Ends it at once; one that is gone already is no error."""
        self._send(signal.SIGKILL)

    def terminate(self) -> None:
        """Asks it to end."""
        self._send(signal.SIGTERM)

    def _send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            signal.pidfd_send_signal(self._descriptor, number)

    def close(self) -> None:
        os.close(self._descriptor)


def _parent(pid: int) -> int | None:
    """proc(5), /proc/pid/stat: the fourth field, after the name in brackets."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return None
