"""From a link to a cookie: `/api/v1/sessions`."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol

from aiohttp import web

from contract.clock import Clock
from contract.errors import ErrorCode, IdentityError, LimitError
from contract.ids import ParticipantId
from contract.messages import Message
from rooms.messages import VerdictView
from rooms.sessions import Exchange, Identity
from server.request_body import json_response, read_body
from signaling.gateway import cookie_name
from signaling.rate import KeyedLimiter

EXCHANGES_PER_SECOND = 2.0
EXCHANGE_BURST = 120
"""For one address; a clinic's patients and staff may share one. Tokens have 128 bits: guessing is hopeless anyway."""

EndDevice = Callable[[Identity], Awaitable[None]]
"""Closes the sockets of a device whose session has ended, and gives up its seat."""


class DeviceSessions(Protocol):
    """What the routes need of `rooms.sessions.Sessions`."""

    async def participant_of(self, token: str) -> ParticipantId | None: ...

    async def exchange(self, token: str, cookie_secret: str | None) -> Exchange: ...

    async def authenticate(self, participant: str, cookie_secret: str) -> Identity: ...

    async def verdict(self, participant: str, cookie_secret: str) -> VerdictView: ...

    async def forget(self, participant: str, cookie_secret: str) -> None: ...


class NewSession(Message, frozen=True):
    """The body of `POST /api/v1/sessions`."""

    token: str


class SessionView(Message, frozen=True):
    """The answer: who the link is for, and whether they may come in."""

    participant: str | None
    verdict: VerdictView


class SessionRoutes:
    """Exchanges links for sessions, tells their verdict, forgets devices."""

    def __init__(
        self, sessions: DeviceSessions, clock: Clock, end_device: EndDevice, limiter: KeyedLimiter | None = None
    ) -> None:
        self._sessions = sessions
        self._clock = clock
        self._end_device = end_device
        self._limiter = limiter or KeyedLimiter(EXCHANGES_PER_SECOND, EXCHANGE_BURST)

    def add_to(self, application: web.Application) -> None:
        """Adds the routes."""
        application.router.add_post("/api/v1/sessions", self.create)
        application.router.add_get("/api/v1/sessions/{participant}/verdict", self.verdict)
        application.router.add_delete("/api/v1/sessions/{participant}", self.forget)

    async def create(self, request: web.Request) -> web.Response:
        """Opens a link: always 200 with a verdict."""
        if not self._limiter.take(request.remote or ""):
            raise LimitError(ErrorCode.TOO_MANY, "too many links opened from this address; wait a little")
        body = await read_body(request, NewSession)
        owner = await self._sessions.participant_of(body.token)
        held = None if owner is None else request.cookies.get(cookie_name(owner))
        exchange = await self._sessions.exchange(body.token, held)
        for device in exchange.pushed_out:
            await self._end_device(device)
        response = json_response(SessionView(participant=exchange.participant, verdict=exchange.verdict))
        if exchange.participant is not None and exchange.cookie_secret is not None:
            response.set_cookie(
                cookie_name(exchange.participant),
                exchange.cookie_secret,
                max_age=self._seconds_until(exchange.expires_at),
                httponly=True,
                secure=request.secure,
                samesite="Lax",
                path="/",
            )
        return response

    def _seconds_until(self, moment: datetime | None) -> int | None:
        return None if moment is None else max(0, int((moment - self._clock.now()).total_seconds()))

    async def verdict(self, request: web.Request) -> web.Response:
        """The present verdict of a device that was here before."""
        participant, secret = _claimed(request)
        return json_response(await self._sessions.verdict(participant, secret))

    async def forget(self, request: web.Request) -> web.Response:
        """«Forget this device»: the session ends, its sockets close, its seat is given up, the cookie goes."""
        participant, secret = _claimed(request)
        identity = await self._sessions.authenticate(participant, secret)
        await self._sessions.forget(participant, secret)
        await self._end_device(identity)
        response = web.Response(status=204)
        response.del_cookie(cookie_name(participant), path="/", secure=request.secure, httponly=True, samesite="Lax")
        return response


def _claimed(request: web.Request) -> tuple[str, str]:
    participant = request.match_info["participant"]
    secret = request.cookies.get(cookie_name(participant))
    if not secret:
        raise IdentityError(ErrorCode.SESSION_REQUIRED, "open the link again")
    return participant, secret
