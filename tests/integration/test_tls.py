"""HTTPS without a proxy."""

from pathlib import Path

import pytest

from tests.integration.certificate import HOST, make_certificate, visitor
from tests.integration.node_process import node

pytestmark = pytest.mark.timeout(120)


async def test_the_node_serves_https_itself(tmp_path: Path) -> None:
    make_certificate(tmp_path)
    files = ("--tls-cert", str(tmp_path / "cert.pem"), "--tls-key", str(tmp_path / "key.pem"))
    async with node(tmp_path, *files) as at, visitor(tmp_path) as browser:
        assert at.ready["url"].startswith("https://")
        url = f"https://{HOST}:{at.ready['url'].rpartition(':')[2]}"
        token = at.token("admitted", "patient")
        async with browser.post(f"{url}/api/v1/sessions", json={"token": token}, headers={"Origin": url}) as response:
            assert response.status == 200
            assert "Secure" in response.headers["Set-Cookie"]
            assert "Strict-Transport-Security" in response.headers
