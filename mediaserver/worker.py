"""One media worker process: `python -m mediaserver --socket PATH --udp-ports A-B --announce ADDRESS …`.

It serves as soon as its socket accepts, prints nothing on standard output, and ends on SIGTERM or SIGINT, or when no
server has been linked for `LINK_GRACE_SECONDS`. A spare (`--spare`) is the same process, all imported, port bound,
socket open; it only waits for its first link without a limit, as long as the process that started it lives.
"""

import argparse
import asyncio
import gc
import logging
import os
import resource
import signal
import sys
import time
from pathlib import Path

import uvloop

from mediaserver.announced import Announced, check_announced, local_addresses
from mediaserver.delay_probe import DelayProbe
from mediaserver.drops import Drops
from mediaserver.link_messages import LINK_GRACE_SECONDS
from mediaserver.link_server import LinkServer
from mediaserver.media_worker import MediaWorker
from mediaserver.port import Port
from mediaserver.settings import MAXIMUM_TCP_CONNECTIONS, WorkerSettings

_WATCH_SECONDS = 1.0
_OTHER_FILES = 200

logger = logging.getLogger(__name__)


def main(arguments: list[str] | None = None) -> int:
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = read_arguments(arguments)
    # What is imported by now lives for ever: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    try:
        uvloop.run(run(settings))
    except OSError as error:
        logger.error("the media worker can't start: %s", error.strerror or error)
        return 1
    return 0


def read_arguments(arguments: list[str] | None = None) -> WorkerSettings:
    parser = argparse.ArgumentParser(prog="python -m mediaserver", description="One media worker.")
    parser.add_argument("--socket", type=Path, required=True, help="Unix socket for the server to connect to")
    parser.add_argument("--udp-ports", "--port", type=_ports, required=True, help="40000-40007, 40000, or 0 for any")
    parser.add_argument(
        "--announce", "--address", type=_announced, nargs="+", action="extend", required=True, help="PUBLIC[=LOCAL]"
    )
    parser.add_argument("--spare", action="store_true", help="wait for the first link without a limit")
    parser.add_argument("--probe-delays", action="store_true", help="measure how long packets stay (costs time)")
    parsed = parser.parse_args(arguments)
    try:
        check_announced(tuple(parsed.announce))
    except ValueError as error:
        parser.error(str(error))
    return WorkerSettings(parsed.socket, parsed.udp_ports, tuple(parsed.announce), parsed.spare, parsed.probe_delays)


async def run(settings: WorkerSettings) -> None:
    """Serves until told to stop. Raises `OSError` when no port or socket can be had."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    _allow_connections()
    drops = Drops()
    port = Port(
        local_addresses(settings.announce),
        settings.udp_ports,
        drops,
        delay_probe=DelayProbe() if settings.probe_delays else None,
    )
    worker = MediaWorker(port, drops, tuple(one.public for one in settings.announce))
    link = LinkServer(worker)
    worker.open(loop)
    try:
        await link.open(settings.socket)
        logger.info("serving port %d", port.number)
        await _serve_until(stop, link, settings)
    finally:
        worker.close()
        await link.close()


def _allow_connections() -> None:
    """A shell's soft limit of open files is often 1,024, less than there may be connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAXIMUM_TCP_CONNECTIONS + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        more = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (more, hard))


async def _serve_until(stop: asyncio.Event, link: LinkServer, settings: WorkerSettings) -> None:
    parent = os.getppid()
    while not stop.is_set():
        if link.alone_since is not None:
            waiting_spare = settings.spare and not link.ever_linked and os.getppid() == parent
            if not waiting_spare and time.monotonic() - link.alone_since > LINK_GRACE_SECONDS:
                logger.warning("no server for %d s: the media worker ends", LINK_GRACE_SECONDS)
                return
        try:
            await asyncio.wait_for(stop.wait(), _WATCH_SECONDS)
        except TimeoutError:
            continue


def _ports(text: str) -> range:
    first, _, last = text.partition("-")
    ports = range(int(first), int(last or first) + 1)
    if not ports or ports.start < 0 or ports.stop > 65536:
        raise ValueError(text)
    return ports


def _announced(text: str) -> Announced:
    try:
        return Announced.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
