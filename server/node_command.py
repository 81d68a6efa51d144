"""`konsilium status`, `drain`, `undrain`, `restart-worker`: an operator's orders to the running node."""

import argparse
import socket
import sys
from pathlib import Path

import msgspec

from server.control_messages import (
    LONGEST_LINE,
    BeginDrain,
    EndDrain,
    NodeStatus,
    Order,
    RestartWorker,
    ShowStatus,
    control_socket,
)

ANSWER_SECONDS = 15.0

WORDS = {
    "status": "show whether this node drains, how many rooms live on it, and its workers",
    "drain": "take no new rooms; live ones go on to their end",
    "undrain": "take new rooms again",
    "restart-worker": "have one media worker started anew, once its rooms are over",
}


class NodeUnreachable(Exception):
    """No node answers; the text says where it was looked for."""


def add_arguments(name: str, parser: argparse.ArgumentParser) -> None:
    """What one of the commands is given besides the folder."""
    if name == "drain":
        parser.add_argument("--exit-when-empty", action="store_true", help="end the node when the last room is over")
    if name == "restart-worker":
        parser.add_argument("worker", metavar="WORKER", help="its name in `konsilium status`, such as worker-0")
        parser.add_argument("--now", action="store_true", help="do not wait: its rooms move to the spare")
    parser.add_argument("--json", action="store_true", help="the answer for programs")


def run(name: str, flags: dict[str, object], data: Path) -> int:
    """Gives the order and shows how things are then; the exit status."""
    try:
        status = give(_order(name, flags), data)
    except NodeUnreachable as error:
        sys.stderr.write(f"konsilium: {error}\n")
        return 1
    if flags.get("json"):
        sys.stdout.write(msgspec.json.encode(status).decode() + "\n")
    elif not status.error:
        sys.stdout.write(_for_people(status))
    if status.error:
        sys.stderr.write(f"konsilium: {status.error}\n")
    return 1 if status.error else 0


def give(order: Order, data: Path) -> NodeStatus:
    """Raises `NodeUnreachable`."""
    path = control_socket(data)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.settimeout(ANSWER_SECONDS)
            link.connect(str(path))
            link.sendall(msgspec.json.encode(order) + b"\n")
            with link.makefile("rb") as answers:
                line = answers.readline(LONGEST_LINE)
        return msgspec.json.decode(line, type=NodeStatus)
    except (OSError, msgspec.MsgspecError) as error:
        raise NodeUnreachable(f"no node answers at {path} ({type(error).__name__})") from None


def _order(name: str, flags: dict[str, object]) -> Order:
    if name == "drain":
        return BeginDrain(exit_when_empty=bool(flags.get("exit_when_empty")))
    if name == "undrain":
        return EndDrain()
    if name == "restart-worker":
        return RestartWorker(worker=str(flags.get("worker")), now=bool(flags.get("now")))
    return ShowStatus()


def _for_people(status: NodeStatus) -> str:
    lines = [
        "Draining: no new rooms." if status.draining else "Taking new rooms.",
        f"Live rooms: {status.rooms}, people in them: {status.people}.",
    ]
    for one in status.workers:
        marks = [name for name, on in (("spare", one.spare), ("to be restarted", one.retiring)) if on]
        state = "up" if one.up else "DOWN"
        lines.append(
            f"{one.name}: {state}, {one.rooms} rooms, {one.cpu_percent} % of a core, lost {one.losses} times"
            + (f" ({', '.join(marks)})" if marks else "")
        )
    return "\n".join(lines) + "\n"
