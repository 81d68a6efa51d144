"""ICE-lite (RFC 8445 section 2.5): read and verify STUN Binding requests (RFC 8489), build the answers.

Nothing is answered, and nothing believed, before MESSAGE-INTEGRITY is verified. Written by hand because a check
arrives per address pair every 50 ms while a call is being set up.
"""

import binascii
import hmac
import ipaddress
import secrets
import struct
from dataclasses import dataclass
from functools import lru_cache

from mediaserver.socket_names import Address

HEADER_LENGTH = 20
MAXIMUM_LENGTH = 548
MAXIMUM_ATTRIBUTES = 16
"""A browser's check has about ten."""

_COOKIE = 0x2112A442
_COOKIE_BYTES = _COOKIE.to_bytes(4, "big")
_BINDING_REQUEST = 0x0001
_BINDING_SUCCESS = 0x0101
_BINDING_ERROR = 0x0111
_USERNAME = 0x0006
_MESSAGE_INTEGRITY = 0x0008
_ERROR_CODE = 0x0009
_XOR_MAPPED_ADDRESS = 0x0020
_PRIORITY = 0x0024
_USE_CANDIDATE = 0x0025
_FINGERPRINT = 0x8028
_ICE_CONTROLLED = 0x8029
_FINGERPRINT_XOR = 0x5354554E
_KNOWN_REQUIRED = frozenset({_USERNAME, _MESSAGE_INTEGRITY, _PRIORITY, _USE_CANDIDATE})
_FIRST_OPTIONAL = 0x8000
_INTEGRITY_LENGTH = 24


@dataclass(frozen=True, slots=True)
class IceCredentials:
    """One side's user fragment and password (RFC 8445 section 5.3)."""

    ufrag: str
    password: str

    @classmethod
    def fresh(cls) -> "IceCredentials":
        return cls(secrets.token_hex(6), secrets.token_hex(16))


@dataclass(frozen=True, slots=True)
class BindingRequest:
    """A well-formed, not yet verified connectivity check."""

    transaction: bytes
    username: bytes
    use_candidate: bool
    sender_controlled: bool
    """The sender believes to be controlled too: a role conflict, as a lite agent never controls a full one."""
    integrity_at: int
    """Where MESSAGE-INTEGRITY begins."""


def parse_binding_request(data: bytes) -> BindingRequest | None:
    """None when `data` is anything but a Binding request with USERNAME, MESSAGE-INTEGRITY and a right FINGERPRINT."""
    if not HEADER_LENGTH + _INTEGRITY_LENGTH <= len(data) <= MAXIMUM_LENGTH or data[4:8] != _COOKIE_BYTES:
        return None
    message_type, length = struct.unpack_from("!HH", data)
    if message_type != _BINDING_REQUEST or length + HEADER_LENGTH != len(data) or length & 3:
        return None
    attributes = _attributes(data)
    if attributes is None or any(kind < _FIRST_OPTIONAL and kind not in _KNOWN_REQUIRED for kind in attributes):
        return None
    username_at, username_size = attributes.get(_USERNAME, (0, 0))
    integrity_at, integrity_size = attributes.get(_MESSAGE_INTEGRITY, (0, 0))
    if not username_size or integrity_size != _INTEGRITY_LENGTH - 4:
        return None
    if _FINGERPRINT in attributes and not _fingerprint_is_right(data, *attributes[_FINGERPRINT]):
        return None
    return BindingRequest(
        transaction=data[8:20],
        username=data[username_at : username_at + username_size],
        use_candidate=_USE_CANDIDATE in attributes,
        sender_controlled=_ICE_CONTROLLED in attributes,
        integrity_at=integrity_at - 4,
    )


def _attributes(data: bytes) -> dict[int, tuple[int, int]] | None:
    """Where each attribute's value begins and how long it is; None when one reaches past the end, or when
    there are too many.

    What follows MESSAGE-INTEGRITY is not authenticated: only FINGERPRINT counts there (RFC 8489 section 14.5).
    """
    attributes: dict[int, tuple[int, int]] = {}
    position, number = HEADER_LENGTH, 0
    while position < len(data):
        number += 1
        if number > MAXIMUM_ATTRIBUTES:
            return None
        kind, size = struct.unpack_from("!HH", data, position)
        value = position + 4
        position = value + ((size + 3) & ~3)
        if position > len(data):
            return None
        if _MESSAGE_INTEGRITY not in attributes or kind == _FINGERPRINT:
            attributes.setdefault(kind, (value, size))
    return attributes


def integrity_is_right(data: bytes, request: BindingRequest, password: bytes) -> bool:
    """RFC 8489 section 14.5, short-term credentials: the key is the password of the one who is asked."""
    at = request.integrity_at
    digest = _integrity(data[:at], password)
    return hmac.compare_digest(digest, data[at + 4 : at + _INTEGRITY_LENGTH])


def success_response(transaction: bytes, address: Address, password: bytes) -> bytes:
    """The answer to a verified check: the address it was seen coming from."""
    mapped = _xor_mapped_address(str(address[0]), int(address[1]), transaction)
    attribute = struct.pack("!HH", _XOR_MAPPED_ADDRESS, len(mapped)) + mapped
    return _sealed(_BINDING_SUCCESS, transaction, attribute, password)


def role_conflict_response(transaction: bytes, password: bytes) -> bytes:
    """487 Role Conflict (RFC 8445 section 7.3.1.1)."""
    reason = b"Role Conflict"
    attribute = struct.pack("!HHHBB", _ERROR_CODE, 4 + len(reason), 0, 4, 87) + reason + bytes(-len(reason) % 4)
    return _sealed(_BINDING_ERROR, transaction, attribute, password)


def _fingerprint_is_right(data: bytes, value: int, size: int) -> bool:
    if size != 4 or value + 4 != len(data):
        return False
    return binascii.crc32(data[: value - 4]) ^ _FINGERPRINT_XOR == int.from_bytes(data[value:], "big")


def _integrity(covered: bytes, password: bytes) -> bytes:
    length = len(covered) - HEADER_LENGTH + _INTEGRITY_LENGTH
    return hmac.digest(password, covered[:2] + length.to_bytes(2, "big") + covered[4:], "sha1")


def _sealed(message_type: int, transaction: bytes, attributes: bytes, password: bytes) -> bytes:
    header = struct.pack("!HHI12s", message_type, 0, _COOKIE, transaction)
    covered = header + attributes
    covered += struct.pack("!HH", _MESSAGE_INTEGRITY, 20) + _integrity(covered, password)
    covered = covered[:2] + (len(covered) - HEADER_LENGTH + 8).to_bytes(2, "big") + covered[4:]
    return covered + struct.pack("!HHI", _FINGERPRINT, 4, binascii.crc32(covered) ^ _FINGERPRINT_XOR)


def _xor_mapped_address(host: str, port: int, transaction: bytes) -> bytes:
    """RFC 8489 section 14.2."""
    packed = _packed(host)
    mask = (_COOKIE_BYTES + transaction)[: len(packed)]
    family = 1 if len(packed) == 4 else 2
    mixed = int.from_bytes(packed, "big") ^ int.from_bytes(mask, "big")
    return struct.pack("!BBH", 0, family, port ^ (_COOKIE >> 16)) + mixed.to_bytes(len(packed), "big")


@lru_cache(maxsize=256)
def _packed(host: str) -> bytes:
    return ipaddress.ip_address(host.partition("%")[0]).packed
