"""The checks that `./dev check` makes itself."""

from pathlib import Path

import pytest

from devtools import checks, setup


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("see https://registry." + "npmjs.org/preact", True),
        ("--index-url https://pypi." + "org/simple", True),
        ('open("/' + 'home/anna/notes")', True),
        ("a work/notes folder, ./home/x and https://clinic.example/home/x", False),
        ("/tmp/konsilium is nobody's", False),
    ],
)
def test_finds_addresses_of_registries_and_machines(line: str, found: bool) -> None:
    assert bool(checks.FORBIDDEN.search(line)) is found


def test_a_fingerprint_follows_names_and_contents_but_not_what_was_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    source = tmp_path / "web"
    (source / "dist").mkdir(parents=True)
    (source / "main.ts").write_text("one")
    first = setup.fingerprint([source])

    (source / "dist" / "main.js").write_text("built")
    assert setup.fingerprint([source]) == first
    (source / "main.ts").write_text("two")
    second = setup.fingerprint([source])
    assert second != first
    (source / "main.ts").rename(source / "other.ts")
    assert setup.fingerprint([source]) != second
