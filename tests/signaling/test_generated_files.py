"""The generated files are what the messages say."""

from rooms.messages import COMMANDS, EVENTS
from signaling.generated_files import ROOT, generated_files, stale_files


def test_nothing_is_stale() -> None:
    assert [str(path.relative_to(ROOT)) for path in stale_files()] == []


def test_every_message_is_in_every_file() -> None:
    for content in generated_files().values():
        for name in [*COMMANDS, *EVENTS]:
            assert name in content


def test_optional_fields_only_where_the_client_may_leave_them_out() -> None:
    typescript = next(text for path, text in generated_files().items() if path.suffix == ".ts")
    assert "readonly resume?: string | null;" in typescript
    assert "readonly wait_seconds: number | null;" in typescript
