"""The HTTP side over a real socket: pages, headers, trust, errors, sessions."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request
from aiohttp.web import BaseRunner

from contract.clock import FixedClock
from contract.errors import ErrorCode, IdentityError
from contract.ids import AppointmentId, ClinicId, ParticipantId, SessionId
from rooms.messages import VerdictCode, VerdictView
from rooms.roles import Role
from rooms.sessions import Exchange, Identity
from server.http_trust import believe_proxies
from server.request_body import MAXIMUM_BODY
from server.session_routes import SessionRoutes
from server.settings import IpNetwork
from server.web_application import AccessLog, socket_server, web_application
from signaling.rate import KeyedLimiter

NOON = datetime(2030, 5, 1, 12, tzinfo=UTC)
SECRET = "s3cret"


def an_identity(session: str) -> Identity:
    return Identity(SessionId(session), ParticipantId("prt_1"), AppointmentId("apt"), ClinicId("cln"), Role.PATIENT)


class FakeSessions:
    """One link, one participant."""

    def __init__(self) -> None:
        self.held: list[str | None] = []
        self.forgotten: list[str] = []
        self.pushed_out: tuple[Identity, ...] = ()

    async def participant_of(self, token: str) -> ParticipantId | None:
        return ParticipantId("prt_1") if token == "good" else None

    async def exchange(self, token: str, cookie_secret: str | None) -> Exchange:
        self.held.append(cookie_secret)
        if token != "good":
            return Exchange(VerdictView(code=VerdictCode.LINK_INVALID, server_time=NOON))
        known = cookie_secret == SECRET
        verdict = VerdictView(code=VerdictCode.TOO_EARLY, server_time=NOON)
        secret = None if known else SECRET
        return Exchange(verdict, ParticipantId("prt_1"), secret, NOON + timedelta(days=1), self.pushed_out)

    async def authenticate(self, participant: str, cookie_secret: str) -> Identity:
        if (participant, cookie_secret) != ("prt_1", SECRET):
            raise IdentityError(ErrorCode.SESSION_EXPIRED)
        return an_identity("ses_1")

    async def verdict(self, participant: str, cookie_secret: str) -> VerdictView:
        await self.authenticate(participant, cookie_secret)
        return VerdictView(code=VerdictCode.ADMITTED, server_time=NOON)

    async def forget(self, participant: str, _cookie_secret: str) -> None:
        self.forgotten.append(participant)


class PlainServer(TestServer):
    """aiohttp's test server cancels handlers whose client is gone; in production they are told by an exception."""

    async def _make_runner(self, **options: Any) -> BaseRunner:
        return await super()._make_runner(**{**options, "handler_cancellation": False})


class Site:
    """A served application and a browser's cookie jar at it."""

    def __init__(
        self, client: TestClient[aiohttp.web.Request, aiohttp.web.Application], sessions: FakeSessions
    ) -> None:
        self.client = client
        self.sessions = sessions
        self.closed: list[SessionId] = []


@asynccontextmanager
async def site(
    assets: Path, trusted: tuple[IpNetwork, ...] = (), burst: int = 100, healthy: bool = True
) -> AsyncIterator[Site]:
    sessions = FakeSessions()
    closed: list[SessionId] = []

    async def end_device(device: Identity) -> None:
        closed.append(device.session)

    routes = SessionRoutes(sessions, FixedClock(NOON), end_device, KeyedLimiter(0.0001, burst))
    application = web_application(socket_server(), [routes], lambda: healthy, assets, trusted, "")
    server = PlainServer(application)
    await server.start_server(access_log_class=AccessLog)
    jar = aiohttp.CookieJar(unsafe=True)
    async with TestClient(server, cookie_jar=jar) as client:
        one = Site(client, sessions)
        one.closed = closed
        yield one


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Konsilium</title>")
    (folder / "icon.svg").write_text("<svg/>")
    (folder / "assets" / "main-1a2b.js").write_text("export {}")
    (tmp_path / "secret.txt").write_text("secret")
    return folder


async def assert_problem(response: aiohttp.ClientResponse, status: int, code: str) -> None:
    assert response.status == status
    assert response.content_type == "application/problem+json"
    body = await response.json()
    assert (body["status"], body["code"], body["type"]) == (status, code, "about:blank")


@pytest.mark.parametrize("path", ["/", "/j/0123456789abcdefghijkl", "/j/nonsense"])
async def test_pages_are_the_application(assets: Path, path: str) -> None:
    async with site(assets) as at, at.client.get(path) as response:
        assert response.status == 200
        assert "Konsilium" in await response.text()
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
        assert "camera=(self)" in response.headers["Permissions-Policy"]
        assert "Strict-Transport-Security" not in response.headers
        assert not response.cookies
        assert not at.sessions.held


async def test_assets_live_long_and_other_files_do_not(assets: Path) -> None:
    async with site(assets) as at:
        async with at.client.get("/assets/main-1a2b.js") as response:
            assert "immutable" in response.headers["Cache-Control"]
        async with at.client.get("/icon.svg") as response:
            assert response.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path", ["/nothing", "/assets/none.js", "/assets/..%2f..%2fsecret.txt", "/assets/../../secret.txt", "/index.html"]
)
async def test_nothing_else_is_served(assets: Path, path: str) -> None:
    async with site(assets) as at, at.client.get(path) as response:
        await assert_problem(response, 404, "not_found")


async def test_a_missing_build_is_said_with_the_remedy(tmp_path: Path) -> None:
    async with site(tmp_path) as at, at.client.get("/j/any") as response:
        assert "./dev build" in (await response.json())["detail"]
        await assert_problem(response, 503, "not_found")


async def test_a_wrong_method_is_a_problem_too(assets: Path) -> None:
    async with site(assets) as at, at.client.get("/api/v1/sessions") as response:
        assert response.headers["Allow"] == "POST"
        await assert_problem(response, 405, "unknown_message")


async def test_a_link_becomes_a_cookie_once(assets: Path) -> None:
    async with site(assets) as at:
        for held in (None, SECRET):
            async with at.client.post("/api/v1/sessions", json={"token": "good"}) as response:
                body = await response.json()
                assert (body["participant"], body["verdict"]["code"]) == ("prt_1", "too_early")
                assert response.headers["Cache-Control"] == "no-store"
                assert at.sessions.held[-1] == held
                if held:
                    assert not response.cookies
                else:
                    cookie = response.headers["Set-Cookie"]
                    assert cookie.startswith(f"konsilium_prt_1={SECRET};")
                    assert {"HttpOnly", "SameSite=Lax", "Max-Age=86400", "Path=/"} <= set(cookie.split("; "))
                    assert "Secure" not in cookie


async def test_a_false_link_is_an_answer(assets: Path) -> None:
    async with site(assets) as at, at.client.post("/api/v1/sessions", json={"token": "bad"}) as response:
        body = await response.json()
        assert (response.status, body["participant"], body["verdict"]["code"]) == (200, None, "link_invalid")
        assert not response.cookies


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"token":1}', b'{"token":"a","more":1}', b"\xff", b"[" * 5000])
async def test_what_is_not_understood_is_a_problem(assets: Path, body: bytes) -> None:
    async with site(assets) as at, at.client.post("/api/v1/sessions", data=body) as response:
        await assert_problem(response, 400, "bad_message")


async def test_an_oversize_body_is_a_problem(assets: Path) -> None:
    async with site(assets) as at, at.client.post("/api/v1/sessions", data=b" " * (MAXIMUM_BODY + 1)) as response:
        await assert_problem(response, 413, "too_large")


async def test_opening_links_is_limited_by_address(assets: Path) -> None:
    async with site(assets, burst=3) as at:
        for _ in range(3):
            async with at.client.post("/api/v1/sessions", json={"token": "guess"}) as response:
                assert response.status == 200
        async with at.client.post("/api/v1/sessions", json={"token": "good"}) as response:
            await assert_problem(response, 429, "too_many")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
async def test_another_sites_page_changes_nothing(assets: Path, origin: str) -> None:
    async with (
        site(assets) as at,
        at.client.post("/api/v1/sessions", json={"token": "good"}, headers={"Origin": origin}) as response,
    ):
        await assert_problem(response, 403, "origin_refused")
        assert not at.sessions.held


async def test_our_own_page_may(assets: Path) -> None:
    async with site(assets) as at:
        origin = str(at.client.make_url("")).rstrip("/")
        async with at.client.post("/api/v1/sessions", json={"token": "good"}, headers={"Origin": origin}) as response:
            assert response.status == 200


async def test_the_verdict_of_a_known_device(assets: Path) -> None:
    async with site(assets) as at:
        async with at.client.get("/api/v1/sessions/prt_1/verdict") as response:
            await assert_problem(response, 401, "session_required")
        headers = {"Cookie": "konsilium_prt_1=old"}
        async with at.client.get("/api/v1/sessions/prt_1/verdict", headers=headers) as response:
            await assert_problem(response, 401, "session_expired")
        headers = {"Cookie": f"konsilium_prt_1={SECRET}"}
        async with at.client.get("/api/v1/sessions/prt_1/verdict", headers=headers) as response:
            assert (await response.json())["code"] == "admitted"


async def test_a_device_is_forgotten_with_its_sockets(assets: Path) -> None:
    async with site(assets) as at:
        headers = {"Cookie": f"konsilium_prt_1={SECRET}"}
        async with at.client.delete("/api/v1/sessions/prt_1", headers=headers) as response:
            assert response.status == 204
            assert 'konsilium_prt_1=""' in response.headers["Set-Cookie"]
        assert (at.sessions.forgotten, at.closed) == (["prt_1"], ["ses_1"])


async def test_a_device_pushed_out_by_a_new_one_is_ended(assets: Path) -> None:
    async with site(assets) as at:
        at.sessions.pushed_out = (an_identity("ses_old"),)
        async with at.client.post("/api/v1/sessions", json={"token": "good"}) as response:
            assert response.status == 200
        assert at.closed == ["ses_old"]


@pytest.mark.parametrize(
    ("proxy", "believed"), [("127.0.0.1", True), ("::ffff:127.0.0.1", True), ("::1", False), ("::ffff:10.0.0.1", False)]
)
async def test_a_trusted_proxy_is_believed_on_a_socket_for_both_families(proxy: str, believed: bool) -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}
    request = make_mocked_request("GET", "/", headers).clone(remote=proxy)

    async def handler(seen: aiohttp.web.Request) -> aiohttp.web.StreamResponse:
        assert (seen.scheme, seen.remote) == (("https", "203.0.113.7") if believed else ("http", proxy))
        return aiohttp.web.Response()

    await believe_proxies((ip_network("127.0.0.0/8"),))(request, handler)


async def test_a_trusted_proxy_is_believed(assets: Path) -> None:
    headers = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "clinic.example",
        "X-Forwarded-For": "203.0.113.9, 198.51.100.7",
        "Origin": "https://clinic.example",
    }
    async with (
        site(assets, (ip_network("127.0.0.0/8"),)) as at,
        at.client.post("/api/v1/sessions", json={"token": "good"}, headers=headers) as response,
    ):
        assert response.status == 200
        assert "Secure" in response.headers["Set-Cookie"]
        assert response.headers["Strict-Transport-Security"]
        assert "wss://clinic.example" in response.headers["Content-Security-Policy"]


async def test_the_limit_counts_the_client_behind_the_proxy(assets: Path) -> None:
    async with site(assets, (ip_network("127.0.0.0/8"),), burst=1) as at:
        for forged, address, status in (
            ("10.1.1.1", "203.0.113.9", 200),
            ("10.2.2.2", "203.0.113.9", 429),
            ("10.3.3.3", "203.0.113.8", 200),
        ):
            headers = {"X-Forwarded-For": f"{forged}, {address}"}
            async with at.client.post("/api/v1/sessions", json={"token": "x"}, headers=headers) as response:
                assert response.status == status


async def test_a_stranger_who_plays_proxy_is_not_believed(assets: Path) -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example", "Origin": "https://evil.example"}
    async with (
        site(assets, (ip_network("192.0.2.0/24"),)) as at,
        at.client.post("/api/v1/sessions", json={"token": "good"}, headers=headers) as response,
    ):
        await assert_problem(response, 403, "origin_refused")


@pytest.mark.parametrize(("healthy", "status"), [(True, 200), (False, 503)])
async def test_health(assets: Path, healthy: bool, status: int) -> None:
    async with site(assets, healthy=healthy) as at, at.client.get("/healthz") as response:
        assert response.status == status


async def test_no_token_reaches_a_log(
    assets: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level("DEBUG"):
        async with site(assets) as at:
            async with at.client.get("/j/tokentokentoken1234567") as response:
                assert response.status == 200
            async with at.client.post("/api/v1/sessions", json={"token": "tokentokentoken1234567"}) as response:
                assert response.status == 200
    output = capsys.readouterr()
    assert "tokentoken" not in caplog.text + output.out + output.err
