"""Janus (the Debian package) as a peer for comparison: its VideoRoom plugin, driven over its Unix socket.

A member of a room is two connections there: one that publishes, and one that receives everybody else.
"""

import json
import os
import secrets
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_CONFIGURATION = """
general: {{
    configs_folder = "{folder}"
    plugins_folder = "/usr/lib/x86_64-linux-gnu/janus/plugins"
    transports_folder = "/usr/lib/x86_64-linux-gnu/janus/transports"
    debug_level = 2
    session_timeout = 600
    {event_loops}
}}
media: {{ rtp_port_range = "20000-30000" }}
nat: {{ ice_enforce_list = "{address}" }}
plugins: {{ disable = "{disabled_plugins}" }}
transports: {{ disable = "{disabled_transports}" }}
"""
_UNIX_SOCKET = """
general: {{ enabled = true, json = "compact", path = "{path}", type = "SOCK_SEQPACKET" }}
admin: {{ admin_enabled = false }}
"""
_PLUGINS = Path("/usr/lib/x86_64-linux-gnu/janus/plugins")
_TRANSPORTS = Path("/usr/lib/x86_64-linux-gnu/janus/transports")
_PATIENCE_SECONDS = 10.0
_MOST_BYTES = 1 << 18
_STARTS = 8

Reply = dict[str, Any]
"""Janus' own JSON."""


class JanusError(Exception):
    """Janus refused, or did not answer in time."""


class Handle:
    """One VideoRoom handle: one PeerConnection."""

    def __init__(self, janus: "Janus", number: int) -> None:
        self._janus = janus
        self._number = number

    def ask(self, body: Reply, jsep: Reply | None = None) -> tuple[Reply, str]:
        """The plugin's data and the SDP that came with it, or an empty one."""
        request: Reply = {"janus": "message", "handle_id": self._number, "body": body}
        if jsep is not None:
            request["jsep"] = jsep
        reply = self._janus.ask(request)
        data = reply["plugindata"]["data"]
        if "error" in data:
            raise JanusError(data["error"])
        return data, reply.get("jsep", {}).get("sdp", "")

    def wait_up(self) -> None:
        self._janus.wait_up(self._number)


class Janus:
    """A running Janus, alone with us."""

    def __init__(self, process: "subprocess.Popen[bytes]", link: socket.socket) -> None:
        self._process = process
        self._link = link
        self._up: set[int] = set()
        self._session = 0
        self._session = self.ask({"janus": "create"})["data"]["id"]

    @property
    def pid(self) -> int:
        return self._process.pid

    def create_room(self, number: int, publishers: int) -> None:
        self.handle().ask(
            {
                "request": "create",
                "room": number,
                "publishers": publishers,
                "bitrate": 0,
                "audiocodec": "opus",
                "videocodec": "vp8",
            }
        )

    def handle(self) -> Handle:
        attached = self.ask({"janus": "attach", "plugin": "janus.plugin.videoroom"})
        return Handle(self, attached["data"]["id"])

    def ask(self, request: Reply) -> Reply:
        """Waits for the final answer of this transaction."""
        transaction = secrets.token_hex(6)
        request = {**request, "transaction": transaction}
        if self._session:
            request["session_id"] = self._session
        self._link.send(json.dumps(request).encode())
        while True:
            reply = self._read()
            if reply.get("transaction") != transaction or reply["janus"] == "ack":
                continue
            if reply["janus"] == "error":
                raise JanusError(reply["error"]["reason"])
            return reply

    def wait_up(self, handle: int) -> None:
        """Until the connection of this handle has its keys, on Janus' side too."""
        while handle not in self._up:
            self._read()

    def _read(self) -> Reply:
        try:
            message: Reply = json.loads(self._link.recv(_MOST_BYTES))
        except TimeoutError as error:
            raise JanusError("no answer") from error
        if message["janus"] == "webrtcup":
            self._up.add(message["sender"])
        return message


@contextmanager
def running_janus(address: str, *, event_loops: int = 0) -> Iterator[Janus]:
    """`event_loops` 0: Janus' default, a thread for each connection."""
    with tempfile.TemporaryDirectory() as name:
        folder, path = Path(name), Path(name) / "janus.sock"
        fields = {
            "folder": folder,
            "address": address,
            "event_loops": f"event_loops = {event_loops}" if event_loops else "",
            "disabled_plugins": ",".join(each.name for each in _others(_PLUGINS, "videoroom")),
            "disabled_transports": ",".join(each.name for each in _others(_TRANSPORTS, "pfunix")),
        }
        (folder / "janus.jcfg").write_text(_CONFIGURATION.format(**fields))
        (folder / "janus.transport.pfunix.jcfg").write_text(_UNIX_SOCKET.format(path=path))
        (folder / "janus.plugin.videoroom.jcfg").write_text("general: { }\n")
        process, link = _start(folder, path)
        try:
            with link:
                yield Janus(process, link)
        finally:
            process.terminate()
            process.wait(_PATIENCE_SECONDS)


def _start(folder: Path, path: Path) -> tuple["subprocess.Popen[bytes]", socket.socket]:
    """Again when it ends at once: the Unix socket's thread of 1.1.2 may look whether it is wanted before it is."""
    command = ["janus", "--configs-folder", str(folder), "--config", str(folder / "janus.jcfg")]
    for _ in range(_STARTS):
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ)
        link = _connect(path, process)
        if link is not None:
            return process, link
        process.kill()
        process.wait()
    raise JanusError(f"Janus did not start: {(folder / 'log').read_text()[-2000:]}")


def _others(folder: Path, kept: str) -> list[Path]:
    return [each for each in sorted(folder.glob("libjanus_*.so")) if kept not in each.name]


def _connect(path: Path, process: "subprocess.Popen[bytes]") -> socket.socket | None:
    link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    link.settimeout(_PATIENCE_SECONDS)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            link.connect(str(path))
            return link
        except OSError:
            time.sleep(0.05)
    link.close()
    return None
