"""The settings, each declared once: as a flag of `konsilium serve` and as an environment variable `KONSILIUM_…`."""
# ruff: noqa: RUF009  (_option only wraps dataclasses.field)

import argparse
import ipaddress
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from mediaserver.announced import Announced, check_announced
from server.turn import parse_turn_url, read_secret

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

ENVIRONMENT_PREFIX = "KONSILIUM_"
SHORTEST_TOKEN = 32
LONGEST_SOCKET_PATH = 100
"""A Unix socket's path may have 107 bytes (unix(7))."""


class SettingsError(Exception):
    """A setting is wrong; the text says which and how to mend it."""


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise ValueError("a port lies between 0 and 65535")
    return port


def _port_range(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    low, high = _port(first), _port(last or first)
    if low > high or (low == 0) != (high == 0):
        raise ValueError("a port range looks like 40000-40007; 0 takes free ones")
    return low, high


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("at least 1")
    return number


def _boolean(text: str) -> bool:
    if text.lower() not in ("1", "true", "yes", "0", "false", "no", ""):
        raise ValueError("say 1 or 0")
    return text.lower() in ("1", "true", "yes")


def _token(text: str) -> str:
    if text and len(text) < SHORTEST_TOKEN:
        raise ValueError(f"a token has at least {SHORTEST_TOKEN} random characters")
    return text


def _network(text: str) -> IpNetwork:
    return ipaddress.ip_network(text)


def _option(
    default: object, parse: Callable[[str], object], words: str, value: str = "", *, several: bool = False
) -> Any:
    metadata = {"parse": parse, "words": words, "value": value, "several": several}
    return field(default=default, metadata=metadata)


def default_workers() -> int:
    """One media worker per core but one, and at least one."""
    return max(1, (os.cpu_count() or 1) - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this node runs."""

    demo: bool = _option(False, _boolean, "open a demonstration clinic")
    host: str = _option("127.0.0.1", str, "address to serve HTTP on", "ADDRESS")
    port: int = _option(8080, _port, "port to serve HTTP on; 0 takes a free one", "PORT")
    udp_ports: tuple[int, int] = _option(
        (40000, 40007), _port_range, "UDP ports for media, one per worker and one for the spare", "FIRST-LAST"
    )
    announce: tuple[Announced, ...] = _option(
        (),
        Announced.parse,
        "address at which clients reach the media ports (default: --host), and behind NAT the one of this machine",
        "PUBLIC[=LOCAL]",
        several=True,
    )
    turn: tuple[str, ...] = _option((), parse_turn_url, "TURN server for those who can't reach us", "URL", several=True)
    turn_secret_file: Path | None = _option(None, Path, "file with the secret shared with the TURN servers", "FILE")
    data: Path = _option(Path("data"), Path, "folder for the database and keys", "FOLDER")
    workers: int = _option(default_workers(), _count, "media workers besides the spare", "COUNT")
    tls_cert: Path | None = _option(None, Path, "certificate chain (PEM) to serve HTTPS with", "FILE")
    tls_key: Path | None = _option(None, Path, "private key (PEM) of --tls-cert", "FILE")
    trusted_proxy: tuple[IpNetwork, ...] = _option(
        (), _network, "proxy whose X-Forwarded-* headers are believed", "NETWORK", several=True
    )
    public_url: str = _option("", str, "where links point, when it is not the address served on", "URL")
    metrics_from: tuple[IpNetwork, ...] = _option(
        (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1")),
        _network,
        "networks that may read /metrics (default: this machine)",
        "NETWORK",
        several=True,
    )
    metrics_token: str = _option("", _token, "whoever has it may read /metrics; give it by the environment", "TOKEN")
    json: bool = _option(False, _boolean, "print events for programs, one JSON object a line")

    def announced(self) -> tuple[str, ...]:
        """The addresses of the media ports, as the workers' command line takes them."""
        return tuple(str(address) for address in self.announce) or (self.bind_address(),)

    def bind_address(self) -> str:
        """The address to bind to."""
        return "127.0.0.1" if self.host == "localhost" else self.host

    def udp_port(self, index: int) -> int:
        """The media port of one worker; 0 = any free one."""
        first = self.udp_ports[0]
        return first + index if first else 0

    def worker_socket(self, index: int) -> Path:
        """The Unix socket of one worker."""
        return self.data / f"worker-{index}.sock"

    def worker_sockets(self) -> list[Path]:
        """The sockets of all workers, the spare's last."""
        return [self.worker_socket(index) for index in range(self.workers + 1)]


def add_options(parser: argparse.ArgumentParser, only: Collection[str] = ()) -> None:
    """A flag per setting (or those named). Values stay text until `read_settings`: both sources are read alike."""
    for one in (one for one in fields(Settings) if not only or one.name in only):
        flag = "--" + one.name.replace("_", "-")
        words = f"{one.metadata['words']} [{ENVIRONMENT_PREFIX}{one.name.upper()}]"
        if one.metadata["parse"] is _boolean:
            parser.add_argument(flag, action="store_const", const="1", help=words)
        elif one.metadata["several"]:
            parser.add_argument(flag, nargs="+", action="extend", metavar=one.metadata["value"], help=words)
        else:
            parser.add_argument(flag, metavar=one.metadata["value"], help=words)


def read_settings(flags: Mapping[str, str | Sequence[str] | None], environment: Mapping[str, str]) -> Settings:
    """Flags win over the environment, the environment over defaults. Raises `SettingsError`."""
    values: dict[str, object] = {}
    for one in fields(Settings):
        source, text = "--" + one.name.replace("_", "-"), flags.get(one.name)
        if text is None:
            source = ENVIRONMENT_PREFIX + one.name.upper()
            text = environment.get(source)
            if text is not None and one.metadata["several"]:
                text = [part for part in text.replace(",", " ").split() if part]
        if text is None:
            continue
        values[one.name] = _parsed(source, text, one.metadata["parse"])
    settings = Settings(**values)  # type: ignore[arg-type]  # each value was parsed by its own field
    _check(settings)
    return settings


def _parsed(source: str, text: str | Sequence[str], parse: Callable[[str], object]) -> object:
    try:
        return parse(text) if isinstance(text, str) else tuple(parse(part) for part in text)
    except ValueError as error:
        raise SettingsError(f"{source}: {text!r} does not do: {error}") from None


def _check(settings: Settings) -> None:
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise SettingsError("--tls-cert and --tls-key belong together: give both or none")
    for path in (settings.tls_cert, settings.tls_key):
        if path is not None and not path.is_file():
            raise SettingsError(f"{path}: no such file")
    first, last = settings.udp_ports
    if first and last - first + 1 < settings.workers + 1:
        raise SettingsError(
            f"--udp-ports {first}-{last} has {last - first + 1} ports, but {settings.workers} workers and the spare "
            f"need {settings.workers + 1}"
        )
    longest = settings.worker_socket(settings.workers).absolute()
    if len(os.fsencode(longest)) > LONGEST_SOCKET_PATH:
        raise SettingsError(f"--data: the path of a socket in it would be too long: {longest}")
    _check_host(settings)
    try:
        check_announced(settings.announce)
    except ValueError as error:
        raise SettingsError(f"--announce: {error}") from None
    _check_turn(settings)


def _check_turn(settings: Settings) -> None:
    file = settings.turn_secret_file
    if bool(settings.turn) != (file is not None):
        raise SettingsError("--turn and --turn-secret-file belong together: give both or none")
    if file is None:
        return
    try:
        read_secret(file)
    except OSError as error:
        raise SettingsError(f"--turn-secret-file {file}: {error.strerror}") from None
    except ValueError as error:
        raise SettingsError(f"--turn-secret-file {file}: {error}") from None


def _check_host(settings: Settings) -> None:
    try:
        address = ipaddress.ip_address(settings.bind_address())
    except ValueError:
        raise SettingsError(f"--host {settings.host!r}: give an IP address or localhost") from None
    if address.is_unspecified and not settings.announce:
        raise SettingsError(f"--host {settings.host} needs --announce with the addresses that clients reach")


def camera_warning(settings: Settings) -> str | None:
    """Why cameras will fail with these settings, or None when they will not."""
    if settings.tls_cert or settings.trusted_proxy or ipaddress.ip_address(settings.bind_address()).is_loopback:
        return None
    return (
        f"Cameras and microphones will NOT work from other machines: browsers give them to secure pages only, and "
        f"http://{settings.host} is none. Give --tls-cert and --tls-key, or put a proxy that speaks HTTPS in front "
        f"and name it with --trusted-proxy."
    )


def to_environment(settings: Settings) -> dict[str, str]:
    """The environment from which a child process reads the very same settings."""
    environment: dict[str, str] = {}
    for one in fields(Settings):
        value = getattr(settings, one.name)
        if value is None:
            continue
        if one.name == "udp_ports":
            text = "-".join(map(str, value))
        elif one.metadata["several"]:
            text = " ".join(map(str, value))
        elif isinstance(value, bool):
            text = "1" if value else "0"
        else:
            text = str(value)
        environment[ENVIRONMENT_PREFIX + one.name.upper()] = text
    return environment
