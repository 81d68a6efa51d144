"""ICE credentials of a transport, and where it is found by them and by its sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from mediaserver.ice import IceCredentials
from mediaserver.settings import CHECKS_BURST, CHECKS_PER_SECOND
from mediaserver.token_bucket import TokenBucket

if TYPE_CHECKING:
    from mediaserver.transport import Transport


def check_limit(now: float) -> TokenBucket:
    return TokenBucket(CHECKS_PER_SECOND, CHECKS_BURST, now)


class Generation:
    """One pair of ICE credentials, ours and the client's; an ICE restart adds another (RFC 8445 section 9)."""

    __slots__ = ("limit", "local", "password", "remote", "username")

    def __init__(self, remote: IceCredentials, now: float) -> None:
        self.remote = remote
        self.local = IceCredentials.fresh()
        self.password = self.local.password.encode()
        self.username = f"{self.local.ufrag}:{remote.ufrag}".encode()
        self.limit = check_limit(now)


class Directory(Protocol):
    """Where a transport is found by its ICE usernames and sources."""

    def add_generation(self, transport: Transport, generation: Generation) -> None: ...

    def remove_generation(self, generation: Generation) -> None: ...

    def add_source(self, transport: Transport, ssrc: bytes) -> None: ...

    def remove_source(self, transport: Transport, ssrc: bytes) -> None: ...
