"""The aiohttp application: middlewares, routes, the socket."""

from collections import Counter
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Protocol

import socketio
import structlog
from aiohttp import web
from aiohttp.abc import AbstractAccessLogger
from aiohttp.typedefs import Middleware

from contract.errors import ErrorCode, LimitError
from server.http_trust import SOCKET_PATH, believe_proxies, check_origin, security_headers
from server.pages import HASHED_FOLDER, Pages
from server.problems import NO_ROUTE, Handler, problems, route_name
from server.request_body import MAXIMUM_BODY, json_response
from server.settings import IpNetwork
from signaling.payload_size import MAXIMUM_PACKET
from signaling.socket_server import BoundedSocketServer
from signaling.transport import TextPacket, quiet_logger

SOCKETS_PER_ADDRESS = 256
"""Open sockets from one address, whether or not they said who they are."""

PING_SECONDS = 5

log = structlog.get_logger("server.http")


class Routes(Protocol):
    """A group of routes."""

    def add_to(self, application: web.Application) -> None: ...


@dataclass(frozen=True, slots=True)
class Health:
    """The body of `GET /healthz`."""

    status: str


class HealthCheck(Protocol):
    """Whether the parts that are needed are there."""

    def __call__(self) -> bool: ...


def socket_server(ping_seconds: float = PING_SECONDS) -> socketio.AsyncServer:
    """The Socket.IO server; Origin is checked by our own middleware, so the library's CORS handling is off."""
    logger = quiet_logger()
    return BoundedSocketServer(
        async_mode="aiohttp",
        cors_allowed_origins=[],
        ping_interval=ping_seconds,
        ping_timeout=ping_seconds,
        max_http_buffer_size=MAXIMUM_PACKET,
        logger=logger,
        engineio_logger=logger,
        serializer=TextPacket,
    )


def web_application(
    sockets: socketio.AsyncServer,
    route_groups: list[Routes],
    healthy: HealthCheck,
    assets: Path,
    trusted_proxies: tuple[IpNetwork, ...],
    public_origin: str,
) -> web.Application:
    """Puts the application together; `sockets` has its namespaces already."""
    middlewares = [
        believe_proxies(trusted_proxies),
        security_headers,
        problems,
        check_origin(public_origin),
        _guard_sockets(),
    ]
    application = web.Application(middlewares=middlewares, client_max_size=MAXIMUM_BODY)
    for group in route_groups:
        group.add_to(application)
    sockets.attach(application, socketio_path=SOCKET_PATH.removeprefix("/"))

    async def health(_request: web.Request) -> web.Response:
        if healthy():
            return json_response(Health("ok"))
        return json_response(Health("no media worker"), HTTPStatus.SERVICE_UNAVAILABLE)

    application.router.add_get("/healthz", health)
    pages = Pages(assets)
    application.router.add_get("/", pages.page)
    application.router.add_get("/j/{token}", pages.page)
    application.router.add_get(f"/{HASHED_FOLDER}/{{name:[A-Za-z0-9._/-]+}}", pages.asset)
    application.router.add_get(r"/{name:[A-Za-z0-9_-]+\.[a-z0-9]+}", pages.root_file)
    return application


def _guard_sockets() -> Middleware:
    """Bounds the sockets of one address, and keeps what a broken client sends from becoming a traceback."""
    open_sockets: Counter[str] = Counter()

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith(SOCKET_PATH):
            return await handler(request)
        address = request.remote or ""
        if open_sockets[address] >= SOCKETS_PER_ADDRESS:
            raise LimitError(ErrorCode.TOO_MANY, "too many sockets from this address")
        open_sockets[address] += 1
        try:
            return await handler(request)
        except (web.HTTPException, ConnectionError):
            raise
        except Exception as error:
            log.warning("socket_broken", kind=type(error).__name__)
            if request.transport is not None:
                request.transport.close()
            raise web.HTTPBadRequest from None
        finally:
            open_sockets[address] -= 1
            if not open_sockets[address]:
                del open_sockets[address]

    return middleware


class AccessLog(AbstractAccessLogger):
    """One entry a request, with the route's pattern instead of the path: paths hold tokens."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        route = route_name(request) if isinstance(request, web.Request) else NO_ROUTE
        log.info("request", method=request.method, route=route, status=response.status, seconds=round(time, 4))
