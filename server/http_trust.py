"""Whom an HTTP request comes from, and what browsers may do with our pages."""

import ipaddress
import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address

from aiohttp import web
from aiohttp.typedefs import Middleware

from contract.errors import AccessError, ErrorCode
from server.problems import Handler
from server.settings import IpNetwork

SOCKET_PATH = "/socket.io"

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_HEADERS = {
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), geolocation=()",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")
_HSTS = "max-age=31536000"


def believe_proxies(trusted: Sequence[IpNetwork]) -> Middleware:
    """Takes scheme, host and client address from X-Forwarded-* when a trusted proxy sent them; else ignores them."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not trusted or not _is_trusted(request.remote, trusted):
            return await handler(request)
        headers = request.headers
        scheme = headers.get("X-Forwarded-Proto", request.scheme)
        return await handler(
            request.clone(
                scheme=scheme if scheme in ("http", "https") else request.scheme,
                host=headers.get("X-Forwarded-Host", request.host),
                remote=_client(request, trusted),
            )
        )

    return middleware


def _client(request: web.Request, trusted: Sequence[IpNetwork]) -> str:
    """The nearest address that is not one of our proxies (the client may have written anything before it)."""
    hops = [hop.strip() for line in request.headers.getall("X-Forwarded-For", []) for hop in line.split(",")]
    nearest = request.remote or ""
    for hop in reversed(hops):
        if not _is_trusted(nearest, trusted) or _address(hop) is None:
            break
        nearest = hop
    return nearest


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """None for what is none. A socket for both families shows IPv4 as `::ffff:a.b.c.d` (RFC 4291 section 2.5.5.2)."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def _is_trusted(text: str | None, trusted: Sequence[IpNetwork]) -> bool:
    address = _address(text or "")
    return address is not None and any(address in network for network in trusted)


def check_origin(public_origin: str) -> Middleware:
    """Refuses requests that another site's page sends: those that change something, and all of the socket.

    Programs that are no browsers send no Origin; they hold no cookies of people either.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        guarded = request.method not in _SAFE_METHODS or request.path.startswith(SOCKET_PATH)
        if guarded and origin is not None and origin not in (f"{request.scheme}://{request.host}", public_origin):
            raise AccessError(ErrorCode.ORIGIN_REFUSED, "requests from another site's pages are refused")
        return await handler(request)

    return middleware


@web.middleware
async def security_headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Sets what browsers must know about our answers, error answers included."""
    response = await handler(request)
    if response.prepared:
        return response
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    # What is not marked otherwise is somebody's private answer, or an error that may be gone in a moment.
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("Content-Security-Policy", _content_security_policy(request))
    if request.scheme == "https":
        response.headers.setdefault("Strict-Transport-Security", _HSTS)
    return response


def _content_security_policy(request: web.Request) -> str:
    scheme = "wss" if request.scheme == "https" else "ws"
    # A header of the client's own choice must not write into the policy.
    sockets = f" {scheme}://{request.host}" if _HOST.fullmatch(request.host) else ""
    return "; ".join(
        (
            "default-src 'self'",
            f"connect-src 'self'{sockets}",
            "img-src 'self' data: blob:",
            "media-src 'self' blob: mediastream:",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
