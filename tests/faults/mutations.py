"""Seeded ways to spoil valid bytes."""

import random

LENGTHS = (b"\x00\x00", b"\x00\x01", b"\xff\xff", b"\x7f\xff", b"\x80\x00")
"""A length field's favourite values."""


def mutated(choose: random.Random, valid: bytes, longest: int = 2000) -> bytes:
    """One random change: cut, lengthened, a word or a length field overwritten, the first byte, or some bytes."""
    data = bytearray(valid)
    match choose.randrange(6):
        case 0:
            data = data[: choose.randrange(len(data) + 1)]
        case 1:
            data += choose.randbytes(choose.randrange(1, 1900))
        case 2:
            _overwrite(data, choose, choose.randbytes(4))
        case 3:
            _overwrite(data, choose, choose.choice(LENGTHS))
        case 4 if data:
            data[0] = choose.randrange(256)
        case _:
            for _ in range(choose.randrange(1, 20)):
                _overwrite(data, choose, choose.randbytes(1))
    return bytes(data[:longest])


def rearranged(choose: random.Random, valid: bytes, other: bytes, longest: int = 2000) -> bytes:
    """A part left out, repeated, or taken from another input."""
    begins, ends = sorted(choose.randrange(len(valid) + 1) for _ in range(2))
    match choose.randrange(3):
        case 0:
            data = valid[:begins] + valid[ends:]
        case 1:
            data = valid[:ends] + valid[begins:]
        case _:
            data = valid[:begins] + other[choose.randrange(len(other) + 1) :]
    return data[:longest]


def _overwrite(data: bytearray, choose: random.Random, written: bytes) -> None:
    if data:
        at = choose.randrange(len(data))
        data[at : at + len(written)] = written
