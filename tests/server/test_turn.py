"""TURN: URLs, the secret's file, and credentials that a TURN server can check by itself."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contract.clock import FixedClock
from contract.ids import ParticipantId
from server.turn import CREDENTIAL_SECONDS, TurnServers, parse_turn_url, read_secret

NOON = datetime(2030, 5, 1, 12, tzinfo=UTC)
SECRET = b"the secret of the clinic"
URLS = ("turn:turn.clinic.example:3478?transport=udp", "turns:turn.clinic.example:443?transport=tcp")
ANNA, BORIS = ParticipantId("prt_anna"), ParticipantId("prt_boris")


@pytest.mark.parametrize("url", [*URLS, "turn:192.0.2.1", "turn:[2001:db8::1]:3478", "turns:turn.clinic.example"])
def test_urls_are_taken_as_they_are(url: str) -> None:
    assert parse_turn_url(url) == url


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://turn.clinic.example", "looks like"),
        ("turn:", "looks like"),
        ("turn://turn.clinic.example", "looks like"),
        ("turn:turn.clinic.example:0", "looks like"),
        ("turn:turn.clinic.example:70000", "looks like"),
        ("turn:turn.clinic.example?transport=tls", "looks like"),
        ("turn:me:secret@turn.clinic.example", "looks like"),
        ("turns:turn.clinic.example?transport=udp", "DTLS"),
    ],
)
def test_other_urls_are_refused(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_turn_url(url)


def test_the_secret_is_read_from_a_file_that_is_not_for_everybody(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(SECRET + b"\n")
    file.chmod(0o640)
    assert read_secret(file) == SECRET
    file.chmod(0o644)
    with pytest.raises(ValueError, match="chmod"):
        read_secret(file)
    file.chmod(0o600)
    for content in (b"", b"short", b"two lines, the first long\nthe second"):
        file.write_bytes(content)
        with pytest.raises(ValueError, match="one line of at least 16"):
            read_secret(file)


def test_credentials_end_and_are_made_as_turn_servers_expect() -> None:
    answer = TurnServers(URLS, SECRET, FixedClock(NOON)).issue(ANNA)
    (server,) = answer.servers
    assert (server.urls, answer.expires_seconds) == (URLS, CREDENTIAL_SECONDS)
    ends, _, opaque = server.username.partition(":")
    assert int(ends) == NOON.timestamp() + CREDENTIAL_SECONDS
    assert ANNA not in server.username
    expected = hmac.new(SECRET, server.username.encode(), hashlib.sha1).digest()
    assert base64.b64decode(server.credential) == expected
    assert len(opaque) == 20


def test_a_persons_name_there_is_always_the_same_and_nobody_elses() -> None:
    clock = FixedClock(NOON)
    servers = TurnServers(URLS, SECRET, clock)
    first, other = servers.issue(ANNA), servers.issue(BORIS)
    again = TurnServers(URLS, SECRET, clock).issue(ANNA)
    assert again == first
    assert first.servers[0].username.partition(":")[2] != other.servers[0].username.partition(":")[2]
