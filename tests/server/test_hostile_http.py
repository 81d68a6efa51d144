"""Bytes that no honest browser sends, over a raw connection: a clear error, no traceback, nothing of them in a log."""

import asyncio
import gzip
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.logs import UnparsableRequests
from tests.server.test_http import Site, assets, site

__all__ = ["assets"]
PATIENCE = 20
JSON = b'{"token":"good"}'


@pytest.fixture(autouse=True)
def as_in_production() -> Iterator[None]:
    logger, added = logging.getLogger("aiohttp.server"), UnparsableRequests()
    logger.addFilter(added)
    yield
    logger.removeFilter(added)


async def exchange(at: Site, raw: bytes) -> bytes:
    """What is answered before the connection is closed or stays silent after a whole answer."""
    assert at.client.port is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", at.client.port)
    try:
        writer.write(raw)
        async with asyncio.timeout(PATIENCE):
            return await reader.readuntil(b"\r\n\r\n")
    finally:
        writer.close()


def post(head: bytes, body: bytes = JSON) -> bytes:
    length = b"Content-Length: %d\r\n" % len(body)
    return b"POST /api/v1/sessions HTTP/1.1\r\nHost: a\r\n" + length + head + b"\r\n" + body


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET /j/tokentoken\x7f HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"FOO /j/tokentoken HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET /j/tokentoken HTTP/1.1\r\nHost: a\r\nX: " + b"tokentoken" * 2000 + b"\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + b"X: tokentoken\r\n" * 9000 + b"\r\n", 400),
        (b"\x16\x03\x01\x00\xa5\x01\x00\x00\r\n\r\n", 400),
        (post(b"Transfer-Encoding: chunked\r\n"), 400),
        (b"POST /api/v1/sessions HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", 400),
        (post(b"Content-Encoding: gzip\r\n"), 400),
        (post(b"Content-Encoding: br\r\n"), 400),
        (post(b"Content-Encoding: gzip\r\n", gzip.compress(b"a" * 5_000_000)), 413),
        (b"GET /assets/" + b"a" * 5000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ],
)
async def test_what_can_not_be_read_is_refused_without_a_traceback(
    assets: Path, raw: bytes, status: int, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    async with site(assets) as at:
        assert int((await exchange(at, raw)).split(b" ", 2)[1]) == status
        async with at.client.get("/healthz") as response:
            assert response.status == 200
    output = capsys.readouterr()
    logged = caplog.text + output.out + output.err
    assert "Traceback" not in logged
    assert "tokentoken" not in logged
    assert not any(record.exc_info for record in caplog.records)


@pytest.mark.parametrize("host", [b"evil;script-src *", b"a b", b'a"><script>', b"\xff", b"", b"[::1", b"a,b"])
async def test_the_host_header_writes_nothing_into_the_policy(assets: Path, host: bytes) -> None:
    async with site(assets) as at:
        head = (await exchange(at, b"GET /healthz HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")).decode()
    policy = next(line for line in head.split("\r\n") if line.startswith("Content-Security-Policy"))
    assert "connect-src 'self';" in policy
    assert "evil" not in policy


@pytest.mark.parametrize("host", ["clinic.example", "localhost:8080", "[::1]:8080", "127.0.0.1"])
async def test_an_honest_host_may_be_connected_to(assets: Path, host: str) -> None:
    async with site(assets) as at, at.client.get("/", headers={"Host": host}) as response:
        assert f"connect-src 'self' ws://{host};" in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/api/v1/sessions/prt_1/verdict", "/nothing", "/assets/none.js"])
async def test_errors_are_not_kept_on_the_way(assets: Path, path: str) -> None:
    async with site(assets) as at, at.client.get(path) as response:
        assert response.headers["Cache-Control"] == "no-store"


class Told(logging.Filter):
    """Sets `lost` when aiohttp is about to log a lost connection."""

    def __init__(self) -> None:
        super().__init__()
        self.lost = asyncio.Event()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and isinstance(record.exc_info[1], ConnectionError):
            self.lost.set()
        return True


async def test_hanging_up_in_the_middle_of_a_body_is_no_fault(assets: Path, caplog: pytest.LogCaptureFixture) -> None:
    told = Told()
    logging.getLogger("aiohttp.server").filters.insert(0, told)
    try:
        async with site(assets) as at:
            assert at.client.port is not None
            _, writer = await asyncio.open_connection("127.0.0.1", at.client.port)
            writer.write(b"POST /api/v1/sessions HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{")
            await writer.drain()
            async with at.client.get("/healthz") as response:
                assert response.status == 200
            writer.close()
            await asyncio.wait_for(told.lost.wait(), PATIENCE)
    finally:
        logging.getLogger("aiohttp.server").removeFilter(told)
    assert not any(record.exc_info for record in caplog.records)
