"""The documented nginx configuration, run in a real nginx in front of a real node."""

import asyncio
import re
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.integration.certificate import HOST, make_certificate, visitor
from tests.integration.node_process import PATIENCE, node

pytestmark = pytest.mark.timeout(120)
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
CONFIGURATION = Path(__file__).resolve().parents[2] / "docs" / "operations" / "nginx.conf"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def adapted(folder: Path, port: int, upstream: str) -> str:
    """The documented file with this machine's ports and folders; every replacement must find its place."""
    text = CONFIGURATION.read_text()
    for before, after in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("server 127.0.0.1:8080", f"server {upstream}"),
        ("/etc/ssl/konsilium", str(folder)),
        ("/var/log/nginx/", f"{folder}/"),
    ):
        assert before in text
        text = text.replace(before, after)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"daemon off;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log;\nworker_processes 1;\n"
        f"events {{ worker_connections 64; }}\nhttp {{\n{temporary}{text}}}\n"
    )


def logs(folder: Path) -> str:
    return "".join(path.read_text() for path in sorted(folder.glob("*.log")))


@asynccontextmanager
async def nginx(folder: Path, upstream: str) -> AsyncIterator[str]:
    folder.mkdir()
    make_certificate(folder)
    port = free_port()
    (folder / "nginx.conf").write_text(adapted(folder, port, upstream))
    arguments = ("-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf"))
    process = await asyncio.create_subprocess_exec(NGINX, *arguments)
    try:
        async with asyncio.timeout(PATIENCE):
            while not (folder / "nginx.pid").exists():
                assert process.returncode is None, (folder / "error.log").read_text()
                await asyncio.sleep(0.05)
        yield f"https://{HOST}:{port}"
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), PATIENCE)


async def test_the_documented_nginx_carries_pages_cookies_and_the_socket(tmp_path: Path) -> None:
    data, folder = tmp_path / "data", tmp_path / "nginx"
    data.mkdir()
    async with (
        node(data, "--trusted-proxy", "127.0.0.1") as at,
        nginx(folder, at.url.removeprefix("http://")) as url,
        visitor(folder) as browser,
    ):
        token = at.token("admitted", "patient")
        headers = {"Origin": url}
        async with browser.post(f"{url}/api/v1/sessions", json={"token": token}, headers=headers) as response:
            assert response.status == 200, await response.text()
            assert "Secure" in response.headers["Set-Cookie"]
            assert "Strict-Transport-Security" in response.headers
            participant = (await response.json())["participant"]
        async with browser.post(
            f"{url}/api/v1/sessions", json={"token": token}, headers={"Origin": "https://evil.example"}
        ) as response:
            assert response.status == 403
        async with browser.ws_connect(f"{url}/socket.io/?EIO=4&transport=websocket", headers=headers) as web_socket:
            assert (await web_socket.receive_str(timeout=PATIENCE)).startswith("0{")
            await web_socket.send_str(f'40/consultation,{{"participant":"{participant}"}}')
            assert (await web_socket.receive_str(timeout=PATIENCE)).startswith("40/consultation,")
            assert re.search(r'"code":\s*"admitted"', await web_socket.receive_str(timeout=PATIENCE))
        async with browser.get(f"{url}/healthz") as response:
            assert response.status == 200
        assert "POST 200" in logs(folder)
        assert token not in logs(folder)


async def test_no_link_token_reaches_a_log_of_nginx_when_requests_fail(tmp_path: Path) -> None:
    token, folder = "T" * 22, tmp_path / "nginx"
    async with nginx(folder, f"127.0.0.1:{free_port()}") as url, visitor(folder) as browser:
        async with browser.get(f"{url}/j/{token}") as response:
            assert response.status == 502
        async with browser.post(f"{url}/j/{token}", data=b" " * (256 * 1024 + 1)) as response:
            assert response.status == 413
    assert "GET 502" in logs(folder)
    assert token not in logs(folder)
