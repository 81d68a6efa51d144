"""Settings: both sources, clear errors, warnings that help."""

from pathlib import Path

import pytest

from server.settings import Settings, SettingsError, camera_warning, read_settings, to_environment


def test_defaults_do() -> None:
    settings = read_settings({}, {})
    assert (settings.host, settings.port, settings.announced()) == ("127.0.0.1", 8080, ("127.0.0.1",))


def test_flags_win_over_the_environment() -> None:
    environment = {"KONSILIUM_PORT": "1", "KONSILIUM_DEMO": "yes", "KONSILIUM_TRUSTED_PROXY": "10.0.0.0/8, ::1"}
    settings = read_settings({"port": "2"}, environment)
    assert (settings.port, settings.demo, [str(one) for one in settings.trusted_proxy]) == (
        2,
        True,
        ["10.0.0.0/8", "::1/128"],
    )


def test_a_child_reads_the_very_same_settings(tmp_path: Path) -> None:
    certificate = tmp_path / "cert.pem"
    certificate.touch()
    secret = tmp_path / "turn.secret"
    secret.touch(0o600)
    secret.write_text("0123456789abcdef\n")
    flags = {
        "host": "0.0.0.0",
        "announce": ["192.0.2.1", "2001:db8::1", "203.0.113.7=10.0.0.5"],
        "turn": ["turn:turn.clinic.example", "turns:turn.clinic.example:443?transport=tcp"],
        "turn_secret_file": str(secret),
        "udp_ports": "41000-41003",
        "workers": "3",
        "data": str(tmp_path),
        "tls_cert": str(certificate),
        "tls_key": str(certificate),
        "trusted_proxy": ["127.0.0.0/8"],
        "demo": "1",
    }
    settings = read_settings(flags, {})
    assert read_settings({}, to_environment(settings)) == settings


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"port": "http"}, "--port"),
        ({"port": "70000"}, "between 0 and 65535"),
        ({"udp_ports": "5-4"}, "port range looks like"),
        ({"udp_ports": "40000-40001", "workers": "2"}, "need 3"),
        ({"workers": "0"}, "at least 1"),
        ({"announce": ["0.0.0.0"]}, "not a wildcard"),
        ({"announce": ["example.org"]}, "--announce"),
        ({"announce": ["203.0.113.7", "203.0.113.7=10.0.0.5"]}, "announced twice"),
        ({"announce": ["203.0.113.7=fd00::1"]}, "--announce.*both"),
        ({"host": "0.0.0.0"}, "--announce"),
        ({"turn": ["turn.clinic.example"]}, "--turn.*looks like"),
        ({"turn": ["turn:turn.clinic.example"]}, "belong together"),
        ({"turn_secret_file": "secret"}, "belong together"),
        ({"turn": ["turn:turn.clinic.example"], "turn_secret_file": "none"}, "none: No such file"),
        ({"host": "clinic.example"}, "IP address or localhost"),
        ({"tls_cert": "cert.pem"}, "belong together"),
        ({"tls_cert": "no-such.pem", "tls_key": "no-such.pem"}, "no such file"),
        ({"trusted_proxy": ["nginx"]}, "--trusted-proxy"),
        ({"data": "/" + "x" * 120}, "too long"),
    ],
)
def test_what_is_wrong_is_said(flags: dict[str, str | list[str]], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        read_settings(flags, {})


def test_wrong_environment_is_named() -> None:
    with pytest.raises(SettingsError, match="KONSILIUM_WORKERS"):
        read_settings({}, {"KONSILIUM_WORKERS": "many"})


def test_cameras_need_a_secure_page() -> None:
    assert camera_warning(read_settings({}, {})) is None
    assert camera_warning(read_settings({"host": "localhost"}, {})) is None
    assert camera_warning(read_settings({"host": "192.0.2.1", "trusted_proxy": ["192.0.2.2"]}, {})) is None
    warning = camera_warning(read_settings({"host": "192.0.2.1"}, {}))
    assert warning is not None
    assert "--tls-cert" in warning


def test_ports_of_workers() -> None:
    assert [Settings(udp_ports=(4000, 4007)).udp_port(index) for index in range(3)] == [4000, 4001, 4002]
    assert Settings(udp_ports=(0, 0)).udp_port(2) == 0
