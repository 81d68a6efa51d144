"""What an operator's command says to the running server, and is answered: one JSON line each on a Unix socket."""

from pathlib import Path

from contract.messages import Message

CONTROL_SOCKET = "control.sock"
"""In the data folder, for the service's user alone."""
LONGEST_LINE = 64 * 1024


class Order(Message, frozen=True, tag_field="order"):
    """What an operator may ask for."""


class ShowStatus(Order, frozen=True, tag="status"):
    """Changes nothing."""


class BeginDrain(Order, frozen=True, tag="drain"):
    exit_when_empty: bool = False


class EndDrain(Order, frozen=True, tag="undrain"):
    """Rooms open again."""


class RestartWorker(Order, frozen=True, tag="restart-worker"):
    worker: str
    now: bool = False
    """Without waiting: its rooms move to the spare, with a moment's freeze."""


Orders = ShowStatus | BeginDrain | EndDrain | RestartWorker


class WorkerStatus(Message, frozen=True):
    name: str
    up: bool
    spare: bool
    retiring: bool
    """It takes no new rooms, and is started anew once the last of its own is over."""
    rooms: int
    cpu_percent: float
    losses: int
    """How often it was lost since the server process began."""


class NodeStatus(Message, frozen=True):
    draining: bool
    rooms: int
    """Live ones: somebody sits there."""
    people: int
    workers: tuple[WorkerStatus, ...]
    error: str = ""
    """Why the order was not carried out; empty when it was."""


def control_socket(folder: Path) -> Path:
    return folder / CONTROL_SOCKET
