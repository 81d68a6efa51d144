"""What a process costs, as Linux tells it."""

import os
from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """CPU time of all threads so far (nanoseconds in schedstat)."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total / 1e9


def stolen_seconds() -> float:
    """For how long so far a virtual machine's processors, together, wanted to run and its host ran something else."""
    ticks = int(Path("/proc/stat").read_text().split("\n", 1)[0].split()[8])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_kilobytes(pid: int) -> int:
    """Memory that this process alone keeps in use: private pages, and its share of those it shares (PSS)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise RuntimeError("the kernel tells no memory")


def resident_kilobytes(pid: int) -> int:
    """Memory of this process that is in RAM just now, shared pages included (RSS)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise RuntimeError("the kernel tells no memory")


def open_descriptors(pid: int) -> int:
    """Files, sockets and the like that this process holds open."""
    return len(os.listdir(f"/proc/{pid}/fd"))
