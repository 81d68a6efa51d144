"""Every HTTP error is `application/problem+json` (RFC 9457) with the same codes as the socket's."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

import msgspec
import structlog
from aiohttp import web

from contract.errors import ErrorCode, KonsiliumError
from contract.messages import Message

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

NO_ROUTE = "(no route)"

log = structlog.get_logger("server.http")

_CODES = {
    HTTPStatus.BAD_REQUEST: ErrorCode.BAD_MESSAGE,
    HTTPStatus.UNAUTHORIZED: ErrorCode.SESSION_REQUIRED,
    HTTPStatus.FORBIDDEN: ErrorCode.FORBIDDEN,
    HTTPStatus.NOT_FOUND: ErrorCode.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED: ErrorCode.UNKNOWN_MESSAGE,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ErrorCode.TOO_LARGE,
}


class Problem(Message, frozen=True):
    """The body of an error answer."""

    type: str
    title: str
    status: int
    code: ErrorCode
    detail: str = ""


def problem(status: int, code: ErrorCode, detail: str = "", headers: dict[str, str] | None = None) -> web.Response:
    """An error answer."""
    body = Problem(type="about:blank", title=HTTPStatus(status).phrase, status=status, code=code, detail=detail)
    return web.Response(
        status=status, body=msgspec.json.encode(body), content_type="application/problem+json", headers=headers
    )


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns whatever a handler raises into an error answer."""
    try:
        return await handler(request)
    except KonsiliumError as error:
        return problem(error.status, error.code, error.detail)
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        allowed = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        return problem(error.status, _CODES.get(HTTPStatus(error.status), ErrorCode.INTERNAL), headers=allowed)
    except web.RequestPayloadError:
        return problem(HTTPStatus.BAD_REQUEST, ErrorCode.BAD_MESSAGE, "the body is not encoded as its headers say")
    except (ConnectionError, TimeoutError):
        raise
    except Exception:
        log.exception("request_failed", method=request.method, route=route_name(request))
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, ErrorCode.INTERNAL)


def route_name(request: web.Request) -> str:
    """The route's pattern, never the path: paths hold tokens."""
    try:
        resource = request.match_info.route.resource
    except (AssertionError, AttributeError):
        # What could not even be parsed was never routed.
        return NO_ROUTE
    return resource.canonical if resource is not None else NO_ROUTE
