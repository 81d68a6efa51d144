"""How the processes of a node are started."""

import sys
import time

from server import priority
from server.child import Program, Role
from server.settings import Settings, to_environment

LISTEN_DESCRIPTOR = "KONSILIUM_LISTEN_DESCRIPTOR"
READY_DESCRIPTOR = "KONSILIUM_READY_DESCRIPTOR"
STARTED_AT = "KONSILIUM_STARTED_AT"


def node_programs(settings: Settings, listening: int, ready_writer: int) -> list[Program]:
    """The server first, then the workers, the spare last. The server inherits both descriptors."""
    environment = {
        **to_environment(settings),
        LISTEN_DESCRIPTOR: str(listening),
        READY_DESCRIPTOR: str(ready_writer),
        STARTED_AT: str(int(time.time())),
    }
    command = [sys.executable, "-m", "server.process"]
    first = priority.may_go_first()
    server = Program(
        Role.SERVER,
        command,
        environment,
        (listening, ready_writer),
        awaits_start=True,
        niceness=priority.niceness(media=False, may_go_first=first),
    )
    nice = priority.niceness(media=True, may_go_first=first)
    return [server, *(_worker_program(settings, index, nice) for index in range(settings.workers + 1))]


def _worker_program(settings: Settings, index: int, nice: int) -> Program:
    port, is_spare = settings.udp_port(index), index == settings.workers
    command = [sys.executable, "-m", "mediaserver", "--socket", str(settings.worker_socket(index).absolute())]
    command += ["--udp-ports", f"{port}-{port}", "--announce", *settings.announced()]
    if is_spare:
        command.append("--spare")
    return Program(Role.SPARE if is_spare else Role.WORKER, command, {}, niceness=nice)
