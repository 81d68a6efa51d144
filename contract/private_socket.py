"""Unix sockets that only this system user may connect to."""

import socket
from pathlib import Path


def listen_privately(path: Path) -> socket.socket:
    """Listens there; a socket left by a dead process is replaced. Raises `OSError`."""
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(str(path))
        path.chmod(0o600)
    except OSError:
        listening.close()
        raise
    return listening
