"""Media goes first: on a machine that is full, a busy server must never delay a voice packet.

Media workers get a higher scheduling priority (a negative nice value, setpriority(2)) where the system allows it: as
root, with CAP_SYS_NICE, or with RLIMIT_NICE (systemd: `LimitNICE=-5`). Elsewhere the server process steps back instead.
"""

import contextlib
import os
from pathlib import Path

STEP = 5
"""Nice levels between media and the rest: the scheduler gives about three times the share."""

_AUTOGROUP = Path("/proc/self/autogroup")


def niceness(*, media: bool, may_go_first: bool) -> int:
    """The nice value for a media worker, or for another process."""
    if media:
        return -STEP if may_go_first else 0
    return 0 if may_go_first else STEP


def may_go_first() -> bool:
    """Whether this process may give itself, and so its children, a higher priority. Tries it and takes it back."""
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    try:
        os.setpriority(os.PRIO_PROCESS, 0, usual - STEP)
    except PermissionError:
        return False
    os.setpriority(os.PRIO_PROCESS, 0, usual)
    return True


def apply(value: int) -> None:
    """Changes this process, relative to its parent; what is not allowed is left out.

    Each of our processes leads a session, and where the kernel groups processes by session (sched(7), autogroup) only
    the group's own value counts.
    """
    if value == 0:
        return
    with contextlib.suppress(PermissionError):
        os.nice(value)
    with contextlib.suppress(OSError):
        _AUTOGROUP.write_text(str(os.getpriority(os.PRIO_PROCESS, 0)))
