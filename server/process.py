"""The server process: a child of the supervisor, which gives it the listening socket and a pipe for its ready line.

Once all is imported it waits to be told to start on its standard input: the next server stands by like that.
"""

import asyncio
import json
import os
import signal
import socket
import ssl
import sys
from contextlib import AsyncExitStack

import structlog
import uvloop
from aiohttp import web

from contract.errors import UnavailableError
from server.child import EXIT_CONFIGURATION, START
from server.composition import open_node
from server.demo_routes import ready_links
from server.logs import set_up_logs
from server.pages import assets_folder
from server.programs import LISTEN_DESCRIPTOR, READY_DESCRIPTOR, STARTED_AT
from server.settings import Settings, SettingsError, read_settings
from server.web_application import AccessLog

SHUTDOWN_SECONDS = 2.0

log = structlog.get_logger("server.process")


def main() -> int:
    """Serves until SIGTERM; the exit status."""
    if sys.stdin.buffer.readline() != START:
        return 0
    set_up_logs()
    try:
        settings = read_settings({}, os.environ)
        tls = _tls_context(settings)
    except (SettingsError, OSError) as error:
        log.error("configuration_wrong", detail=str(error))
        return EXIT_CONFIGURATION
    listening = socket.socket(fileno=int(os.environ[LISTEN_DESCRIPTOR]))
    try:
        uvloop.run(_serve(settings, listening, tls))
    except UnavailableError as error:
        log.error("cannot_start", code=str(error.code), detail=error.detail)
        return 1
    except Exception:
        # Such as a data folder on a full disk: one entry in the log like any other, and the supervisor tries again.
        log.exception("server_failed")
        return 1
    return 0


def _tls_context(settings: Settings) -> ssl.SSLContext | None:
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(settings.tls_cert, settings.tls_key)
    return context


def base_url(settings: Settings, port: int) -> str:
    """Where the pages are, as links name them."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    scheme = "https" if settings.tls_cert else "http"
    host = "localhost" if settings.bind_address() == "127.0.0.1" else settings.host
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


async def _serve(settings: Settings, listening: socket.socket, tls: ssl.SSLContext | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as closing:
        url = base_url(settings, listening.getsockname()[1])
        started_at = int(os.environ[STARTED_AT])
        node = await open_node(settings, url, started_at, assets_folder(), closing, _end_node)
        runner = web.AppRunner(node.application, access_log_class=AccessLog, shutdown_timeout=SHUTDOWN_SECONDS)
        await runner.setup()
        closing.push_async_callback(runner.cleanup)
        closing.push_async_callback(node.gateway.close)
        await web.SockSite(runner, listening, ssl_context=tls).start()
        links: list[dict[str, str]] = []
        if node.demo is not None:
            await node.demo.seed()
            links = await ready_links(node.demo)
        _tell_ready({"event": "ready", "url": url, "links": links})
        await stop.wait()
        log.info("stopping")


def _end_node() -> None:
    """The supervisor ends everything in its order, this process first."""
    os.kill(os.getppid(), signal.SIGTERM)


def _tell_ready(line: dict[str, object]) -> None:
    """On a line of its own, whatever a server before this one left unfinished."""
    with os.fdopen(os.dup(int(os.environ[READY_DESCRIPTOR])), "w") as pipe:
        pipe.write("\n" + json.dumps(line, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(main())
