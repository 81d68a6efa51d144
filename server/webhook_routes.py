"""What booking systems call: signed webhooks, and links by API key."""

from collections import Counter

from aiohttp import web

from booking_bridge.bridge import Bridge
from contract.errors import ErrorCode, IdentityError, KonsiliumError, LimitError
from contract.ids import ClinicId
from server.request_body import json_response
from signaling.rate import KeyedLimiter

_LINK = "/api/v1/appointments/{appointment}/participants/{participant}/link"

EVIDENCE_PER_SECOND = 1.0
EVIDENCE_BURST = 60
"""Of one clinic: each reading writes what was counted, and an audit row."""


class WebhookRoutes:
    """The booking system's side of the HTTP API. Appointments and participants go by the booking system's names."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._evidence = KeyedLimiter(EVIDENCE_PER_SECOND, EVIDENCE_BURST)
        self.outcomes: Counter[str] = Counter()
        """Webhooks by what became of them: applied, ignored, or an error code."""

    def add_to(self, application: web.Application) -> None:
        """Adds the routes."""
        application.router.add_post("/api/v1/webhooks/booking", self.receive)
        application.router.add_post(_LINK, self.reissue)
        application.router.add_delete(_LINK, self.revoke)
        application.router.add_get("/api/v1/appointments/{appointment}/quality", self.quality)

    async def receive(self, request: web.Request) -> web.Response:
        """One event; the signature is over the bytes as they came."""
        outcome: str = ErrorCode.INTERNAL
        try:
            answer = await self._bridge.receive(request.headers, await request.read())
            outcome = answer.result
        except KonsiliumError as error:
            outcome = error.code
            raise
        finally:
            self.outcomes[str(outcome)] += 1
        return json_response(answer)

    async def quality(self, request: web.Request) -> web.Response:
        """What the server itself saw of a consultation's connections."""
        clinic = await self._clinic(request)
        if not self._evidence.take(clinic):
            raise LimitError(ErrorCode.TOO_MANY, "asked too often; wait a little")
        return json_response(await self._bridge.quality(clinic, request.match_info["appointment"]))

    async def reissue(self, request: web.Request) -> web.Response:
        """Makes a participant's link useless and gives a new one."""
        clinic = await self._clinic(request)
        names = request.match_info
        return json_response(await self._bridge.reissue_link(clinic, names["appointment"], names["participant"]))

    async def revoke(self, request: web.Request) -> web.Response:
        """Makes a participant's link useless."""
        clinic = await self._clinic(request)
        await self._bridge.revoke_link(clinic, request.match_info["appointment"], request.match_info["participant"])
        return web.Response(status=204)

    async def _clinic(self, request: web.Request) -> ClinicId:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise IdentityError(ErrorCode.SESSION_REQUIRED, "give the clinic's API key as a bearer token")
        return await self._bridge.authenticate(key)
