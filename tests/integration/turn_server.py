"""A real coturn with the documented configuration, on this machine's own addresses.

`python -m tests.integration.turn_server FOLDER ADDRESS MEDIA_ADDRESS` runs one until its standard input ends, and
prints one JSON line once it listens.
"""

import asyncio
import json
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.integration.certificate import make_certificate
from tests.integration.media_worker_process import PATIENCE

TURNSERVER = shutil.which("turnserver") or "/usr/bin/turnserver"
CONFIGURATION = Path(__file__).resolve().parents[2] / "docs" / "operations" / "turnserver.conf"
SECRET = "the secret of the tests"
LOOPBACK = "127.0.0.1"
RELAY_PORTS = (50_000, 50_999)


@dataclass(frozen=True, slots=True)
class TurnServer:
    folder: Path
    address: str
    port: int
    tls_port: int

    @property
    def certificate(self) -> Path:
        return self.folder / "cert.pem"

    def logged(self) -> str:
        return "".join(path.read_text() for path in sorted(self.folder.glob("*.log")))


def free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def adapted(at: TurnServer, media_address: str) -> str:
    """The documented file with this machine's addresses and folders; every replacement must find its place."""
    text = CONFIGURATION.read_text()
    for before, after in (
        ("listening-ip=203.0.113.9", f"listening-ip={at.address}"),
        ("relay-ip=203.0.113.9", f"relay-ip={at.address}"),
        ("listening-port=3478", f"listening-port={at.port}"),
        ("tls-listening-port=443", f"tls-listening-port={at.tls_port}"),
        ("min-port=49152", f"min-port={RELAY_PORTS[0]}"),
        ("max-port=65535", f"max-port={RELAY_PORTS[1]}"),
        ("cert=/etc/ssl/konsilium/fullchain.pem", f"cert={at.folder}/cert.pem"),
        ("pkey=/etc/ssl/konsilium/privkey.pem", f"pkey={at.folder}/key.pem"),
        ("static-auth-secret=change-me", f"static-auth-secret={SECRET}"),
        # coturn never relays to loopback addresses unless it is told to for tests; here all addresses are such.
        ("allowed-peer-ip=203.0.113.7", f"allowed-peer-ip={media_address}\nallow-loopback-peers"),
        ("no-stdout-log\nsyslog\nsimple-log", f"simple-log\nlog-file={at.folder}/turn.log"),
        ("pidfile=/run/turnserver/turnserver.pid", f"pidfile={at.folder}/turnserver.pid"),
        ("userdb=/var/lib/turn/turndb", f"userdb={at.folder}/turndb"),
    ):
        assert f"\n{before}\n" in text, before
        text = text.replace(f"\n{before}\n", f"\n{after}\n")
    return text


@asynccontextmanager
async def turn_server(
    folder: Path, address: str = LOOPBACK, media_address: str = LOOPBACK
) -> AsyncIterator[TurnServer]:
    folder.mkdir(exist_ok=True)
    make_certificate(folder)
    server = TurnServer(folder, address, free_port(address), free_port(address))
    (folder / "turnserver.conf").write_text(adapted(server, media_address))
    with (folder / "output.log").open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            TURNSERVER, "-c", str(folder / "turnserver.conf"), stdout=output, stderr=output, cwd=folder
        )
    try:
        async with asyncio.timeout(PATIENCE):
            for port in (server.port, server.tls_port):
                while not await _listens(address, port):
                    assert process.returncode is None, server.logged()
                    await asyncio.sleep(0.05)
        yield server
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(PATIENCE):
            await process.wait()


async def _listens(address: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(address, port)
    except OSError:
        return False
    writer.close()
    return True


async def main(folder: str, address: str, media_address: str) -> None:
    async with turn_server(Path(folder), address, media_address) as server:
        print(json.dumps({"port": server.port, "tls_port": server.tls_port}), flush=True)  # noqa: T201  # whoever started us reads it
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
