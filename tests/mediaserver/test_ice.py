"""Connectivity checks, against aioice's implementation of STUN."""

import struct

import pytest
from aioice import stun
from hypothesis import given, settings
from hypothesis import strategies as st

from mediaserver import ice

PASSWORD = b"a-password-of-some-length"


def request(*, nominate: bool = False, role: str = "ICE-CONTROLLING", username: str = "us:them") -> bytes:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = username
    message.attributes["PRIORITY"] = 1853817087
    message.attributes[role] = 12345
    if nominate:
        message.attributes["USE-CANDIDATE"] = None
    message.add_message_integrity(PASSWORD)
    return bytes(message)


def test_a_check_is_read_and_verified() -> None:
    data = request(nominate=True)
    parsed = ice.parse_binding_request(data)
    assert parsed is not None
    assert parsed.username == b"us:them"
    assert parsed.use_candidate
    assert not parsed.sender_controlled
    assert ice.integrity_is_right(data, parsed, PASSWORD)
    assert not ice.integrity_is_right(data, parsed, b"another password")


def test_a_check_without_nomination_from_a_controlled_agent() -> None:
    parsed = ice.parse_binding_request(request(role="ICE-CONTROLLED"))
    assert parsed is not None
    assert not parsed.use_candidate
    assert parsed.sender_controlled


@pytest.mark.parametrize("address", [("192.0.2.17", 50123), ("2001:db8::1", 9), ("fe80::1%eth0", 9)])
def test_the_answer_is_what_aioice_expects(address: tuple[str, int]) -> None:
    transaction = bytes(range(12))
    message = stun.parse_message(ice.success_response(transaction, address, PASSWORD))
    assert message.message_class == stun.Class.RESPONSE
    assert message.transaction_id == transaction
    assert message.attributes["XOR-MAPPED-ADDRESS"] == (address[0].partition("%")[0], address[1])
    assert message.check_message_integrity(PASSWORD)


def test_a_role_conflict_is_told() -> None:
    message = stun.parse_message(ice.role_conflict_response(bytes(12), PASSWORD))
    assert message.error_code == 487
    assert message.check_message_integrity(PASSWORD)


def test_a_use_candidate_behind_the_integrity_is_not_believed() -> None:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, attributes={"USERNAME": "us:them"})
    message.attributes["MESSAGE-INTEGRITY"] = stun.message_integrity(bytes(message), PASSWORD)
    data = bytes(message) + struct.pack("!HH", 0x0025, 0)
    data = stun.set_body_length(data, len(data) - 20)
    parsed = ice.parse_binding_request(data)
    assert parsed is not None
    assert not parsed.use_candidate


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-1],
        lambda data: data + b"\0" * 4,
        lambda data: b"\x01\x01" + data[2:],
        lambda data: data[:4] + b"\0\0\0\0" + data[8:],
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data: data[:22] + b"\xff\xff" + data[24:],
        lambda data: data[:20],
        lambda data: b"",
        lambda data: data + bytes(1000),
    ],
)
def test_malformed_checks_are_refused(spoil: object) -> None:
    assert callable(spoil)
    assert ice.parse_binding_request(spoil(request())) is None


def test_no_username_no_integrity_or_an_unknown_required_attribute_is_refused() -> None:
    bare = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    assert ice.parse_binding_request(bytes(bare) + bytes(0)) is None
    unsigned = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, attributes={"USERNAME": "us:them" * 9})
    assert ice.parse_binding_request(bytes(unsigned)) is None
    strange = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, attributes={"USERNAME": "us:them", "REALM": "x"})
    strange.add_message_integrity(PASSWORD)
    assert ice.parse_binding_request(bytes(strange)) is None


@pytest.mark.parametrize(("added", "read"), [(12, True), (13, False)])
def test_no_more_attributes_are_read_than_browsers_send(added: int, read: bool) -> None:
    begins = request()[:-32]
    data = begins + b"\xc0\x57\0\0" * added
    length = len(data) - 20 + 24
    data = data[:2] + length.to_bytes(2, "big") + data[4:]
    data += struct.pack("!HH", 0x0008, 20) + stun.message_integrity(data, PASSWORD)
    parsed = ice.parse_binding_request(data)
    assert (parsed is not None) is read
    assert parsed is None or ice.integrity_is_right(data, parsed, PASSWORD)


@settings(deadline=None)
@given(st.binary(max_size=700))
def test_noise_is_never_a_check(noise: bytes) -> None:
    assert ice.parse_binding_request(noise) is None


@settings(deadline=None)
@given(st.data())
def test_a_check_changed_in_one_byte_is_not_verified(data: st.DataObject) -> None:
    whole = request()
    at = data.draw(st.integers(0, len(whole) - 9))
    changed = whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
    parsed = ice.parse_binding_request(changed)
    assert parsed is None or not ice.integrity_is_right(changed, parsed, PASSWORD)
