"""Runs a command inside network namespaces of its own, which vanish with it.

`python -m devtools.namespace COMMAND …`. Browsers refuse loopback addresses for media (Firefox) and gather nothing
without a default route, so the command gets a small network that leads nowhere:

* the *server side*, where the command runs: loopback with the service address `10.99.0.1`, which every link reaches;
* the *client side*, a second namespace with two links to the first, `wifi` (10.99.1.2) and `mobile` (10.99.2.2).
  The default route goes by `wifi`; programs get there by `ip netns exec $KONSILIUM_CLIENT_NAMESPACE`. When all browsers
  stay on the first side (Firefox can only be driven there), a server and a relay go to the second instead, at
  10.99.3.1 and 10.99.3.2.

Needs root (CAP_SYS_ADMIN and CAP_NET_ADMIN). Nothing of it can reach the machine's network, nor be reached.
"""

import os
import shutil
import signal
import subprocess
import sys
from types import FrameType

SERVICE_ADDRESS = "10.99.0.1"
FAR_ADDRESS = "10.99.3.1"
RELAY_ADDRESS = "10.99.3.2"
LINKS = {"wifi": "10.99.1", "mobile": "10.99.2"}


def available() -> bool:
    """Whether this user may make network namespaces."""
    return os.geteuid() == 0 and shutil.which("ip", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None


def main(command: list[str]) -> int:
    """Makes the network, runs the command in it, takes it away again; returns the command's exit status."""
    if not available():
        print("network namespaces need root and iproute2", file=sys.stderr)
        return 1
    server, client = f"konsilium-{os.getpid()}", f"konsilium-{os.getpid()}-client"
    environment = {
        **os.environ,
        "KONSILIUM_SERVICE_ADDRESS": SERVICE_ADDRESS,
        "KONSILIUM_FAR_ADDRESS": FAR_ADDRESS,
        "KONSILIUM_RELAY_ADDRESS": RELAY_ADDRESS,
        "KONSILIUM_CLIENT_NAMESPACE": client,
    }
    try:
        _make(server, client)
        process = subprocess.Popen(["ip", "netns", "exec", server, *command], env=environment, process_group=0)
        _hand_signals_on(process)
        return process.wait()
    finally:
        for name in (server, client):
            subprocess.run(["ip", "netns", "delete", name], check=False, stderr=subprocess.DEVNULL)


def _make(server: str, client: str) -> None:
    for name in (server, client):
        _ip("netns", "add", name)
        _ip("-n", name, "link", "set", "lo", "up")
    for name, address in ((server, SERVICE_ADDRESS), (client, FAR_ADDRESS), (client, RELAY_ADDRESS)):
        _ip("-n", name, "address", "add", f"{address}/32", "dev", "lo")
    for link, prefix in LINKS.items():
        _ip("-n", server, "link", "add", link, "type", "veth", "peer", "name", link, "netns", client)
        for name, address in ((server, f"{prefix}.1"), (client, f"{prefix}.2")):
            _ip("-n", name, "address", "add", f"{address}/24", "dev", link)
            _ip("-n", name, "link", "set", link, "up")
    _ip("-n", server, "route", "add", "default", "via", f"{LINKS['wifi']}.2")
    for metric, prefix in enumerate(LINKS.values(), 100):
        _ip("-n", client, "route", "add", "default", "via", f"{prefix}.1", "metric", str(metric))


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def _hand_signals_on(process: "subprocess.Popen[bytes]") -> None:
    def hand_on(number: int, _: FrameType | None) -> None:
        os.killpg(process.pid, number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, hand_on)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
