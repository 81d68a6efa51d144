"""Announced addresses: what is told, what is bound, and what is refused with words that help."""

import pytest

from mediaserver.announced import Announced, check_announced, local_addresses


def test_what_is_told_may_differ_from_what_is_bound() -> None:
    behind_nat = Announced.parse("203.0.113.7=10.0.0.5")
    assert (behind_nat.public, behind_nat.local) == ("203.0.113.7", "10.0.0.5")
    assert Announced.parse("2001:DB8::1=fd00::5") == Announced("2001:db8::1", "fd00::5")
    assert Announced.parse("10.0.0.5") == Announced("10.0.0.5", "10.0.0.5")


@pytest.mark.parametrize("text", ["203.0.113.7=10.0.0.5", "10.0.0.5", "2001:db8::1=fd00::5"])
def test_it_is_written_as_it_was_read(text: str) -> None:
    assert str(Announced.parse(text)) == text


def test_two_public_addresses_may_lead_to_one_of_ours() -> None:
    announced = tuple(map(Announced.parse, ("203.0.113.7=10.0.0.5", "10.0.0.5", "198.51.100.1=10.0.0.6")))
    check_announced(announced)
    assert local_addresses(announced) == ("10.0.0.5", "10.0.0.6")
    with pytest.raises(ValueError, match=r"10\.0\.0\.5 is announced twice"):
        check_announced((*announced, Announced.parse("10.0.0.5=10.0.0.6")))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("clinic.example", "no IP address"),
        ("203.0.113.7=", "PUBLIC=LOCAL"),
        ("=10.0.0.5", "no IP address"),
        ("203.0.113.7=10.0.0.5=1", "no IP address"),
        ("203.0.113.7=fd00::5", "both"),
        ("0.0.0.0", "wildcard"),
        ("203.0.113.7=::", "wildcard"),
        ("203.0.113.7=0.0.0.0", "wildcard"),
        ("224.0.0.1", "multicast"),
        ("::ffff:10.0.0.5", "write 10.0.0.5 instead"),
        ("fe80::1", "one link"),
        ("fe80::1%eth0", "one link"),
    ],
)
def test_what_no_browser_could_use_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Announced.parse(text)
