"""The documents say what the code says: links and paths exist, tables match, examples work."""

import asyncio
import importlib
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from aiohttp import web

from booking_bridge.answers import WebhookAnswer
from booking_bridge.bridge import Bridge, NewClinic
from booking_bridge.events import BookingEvent
from booking_bridge.webhook import parse_event
from contract.clock import SystemClock
from contract.errors import ErrorCode, UnavailableError
from contract.ids import ClinicId, ConnectionId, PeerId, RoomId
from devtools.commands import BENCHES
from mediaserver.transport_state import TransportState, may_follow
from rooms.assembly import open_rooms
from rooms.media_port import LivingMedia, MediaListener, RoomMeasure
from rooms.messages import ConnectionState, Event, MediaAnswer, SessionDescription, Tile, VerdictCode
from rooms.payment import TRANSITIONS
from rooms.policy import DEFAULT_POLICY, EXAMPLE_POLICIES, Policy
from rooms.storage.tables import metadata
from server.problems import problems
from server.settings import ENVIRONMENT_PREFIX, Settings
from server.webhook_routes import WebhookRoutes

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
DOCUMENTS = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])
FOLDERS = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
MADE_BY_RUNNING = {line.strip("/") for line in (ROOT / ".gitignore").read_text("utf-8").splitlines()}
SECRET = "whsec_YSBzZWNyZXQgb2YgdGhlIHRlc3RzIGFsb25l"


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def _without_blocks(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def _anchors(text: str) -> set[str]:
    """GitHub's names of headings."""
    headings = re.findall(r"^#+ (.*)$", _without_blocks(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _rows(text: str) -> dict[str, list[str]]:
    """Table rows by the name in backticks in their first cell."""
    rows = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and (name := re.match(r"`([^`]+)`", cells[0])):
            rows[name.group(1)] = cells[1:]
    return rows


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_relative_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", _without_blocks(document.read_text("utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        aim = (document.parent / file).resolve() if file else document
        assert aim.exists(), f"{_name(document)} links to {target}"
        if anchor and aim.suffix == ".md":
            assert anchor in _anchors(aim.read_text("utf-8")), f"{_name(document)} links to {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_named_paths_exist(document: Path) -> None:
    for path in re.findall(r"`([\w.-]+/[\w./-]*)`", _without_blocks(document.read_text("utf-8"))):
        if path.partition("/")[0] in FOLDERS and path.strip("/") not in MADE_BY_RUNNING:
            assert (ROOT / path).exists(), f"{_name(document)} names {path}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_names_beside_a_file_are_in_it(document: Path) -> None:
    """Rows of the reading orders: `| file | names |`."""
    for path, cells in _rows(document.read_text("utf-8")).items():
        file = ROOT / path
        if not file.is_file():
            continue
        source = file.read_text("utf-8")
        for name in re.findall(r"`(\w+)`", cells[0]):
            assert re.search(rf"\b{name}\b", source), f"{_name(document)}: {name} is not in {path}"


def test_every_decision_is_listed() -> None:
    listed = (DOCS / "adr" / "README.md").read_text("utf-8")
    for decision in (DOCS / "adr").glob("0*.md"):
        assert f"({decision.name})" in listed
        text = decision.read_text("utf-8")
        assert [*re.findall(r"^## (.*)$", text, re.MULTILINE)] == ["Context", "Decision", "Consequences"], decision.name


def test_every_setting_is_in_operations() -> None:
    rows = _rows((DOCS / "operations.md").read_text("utf-8"))
    described = {flag: cells[0].strip("`") for flag, cells in rows.items() if flag.startswith("--")}
    declared = {"--" + one.name.replace("_", "-"): ENVIRONMENT_PREFIX + one.name.upper() for one in fields(Settings)}
    assert described == declared


def test_the_described_clinic_is_complete_and_its_policy_valid() -> None:
    described = [
        json.loads(block) for block in _blocks((DOCS / "operations.md").read_text("utf-8"), "json") if "policy" in block
    ]
    (clinic,) = described
    msgspec.convert(clinic, NewClinic)
    assert set(clinic) == {field.name for field in msgspec.structs.fields(NewClinic)}


def test_bounds_of_the_threat_model_are_those_of_the_code() -> None:
    rows = _rows((DOCS / "threat-model.md").read_text("utf-8"))
    bounds = {name: cells for name, cells in rows.items() if re.fullmatch(r"[\w.]+\.[A-Z_]+", name)}
    assert len(bounds) > 20
    for name, cells in bounds.items():
        module, _, constant = name.rpartition(".")
        assert float(cells[0].replace(",", "")) == getattr(importlib.import_module(module), constant), name


BOOKING = (DOCS / "booking-systems.md").read_text("utf-8")
EVENTS: dict[str, Any] = {str(one.__struct_config__.tag): one for one in get_args(BookingEvent)}


def test_every_event_and_nothing_else_is_in_booking_systems() -> None:
    described = {name for name in _rows(BOOKING) if re.fullmatch(r"(appointment|payment)\.\w+", name)}
    assert described == set(EVENTS)


def test_every_field_of_an_event_is_described() -> None:
    for event in EVENTS.values():
        (data,) = [field.type for field in msgspec.structs.fields(event) if field.name == "data"]
        for field in msgspec.structs.fields(data):
            assert f"`{field.name}`" in BOOKING, f"{event.__name__}: {field.name}"


def test_examples_of_events_and_answers_are_accepted() -> None:
    examples = [json.loads(block) for block in _blocks(BOOKING, "json")]
    events = [one for one in examples if "data" in one]
    assert {one["type"] for one in events} >= {"appointment.created", "payment.succeeded"}
    for one in events:
        parse_event(json.dumps(one).encode())
    answers = [one for one in examples if "result" in one]
    assert answers
    for one in answers:
        msgspec.convert(one, WebhookAnswer)
    for one in examples:
        if "code" in one:
            assert one["code"] in set(ErrorCode)


def test_every_verdict_is_in_booking_systems_in_order() -> None:
    table = BOOKING[BOOKING.index("## What people see") :]
    assert re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE))) == list(VerdictCode)


def test_the_table_of_policies_is_that_of_the_code() -> None:
    table = BOOKING[BOOKING.index("| Field | `default`") :]
    rows = _rows(table[: table.index("\n\n")])
    names = re.findall(r"`(\w+)`", table.splitlines()[0])
    assert set(names) == set(EXAMPLE_POLICIES)
    for field in msgspec.structs.fields(Policy):
        assert f"`{field.name}`" in BOOKING
        if not field.name.startswith("consent_text"):
            values = [_shown(getattr(EXAMPLE_POLICIES[name], field.name)) for name in names]
            assert [cell.strip("`") for cell in rows[field.name]] == values, field.name


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) or "–"


class _NoMedia:
    """No media server: nobody joins here."""

    async def offer(self, room: RoomId, peer: PeerId, offer: SessionDescription) -> MediaAnswer:
        raise UnavailableError(ErrorCode.MEDIA_UNAVAILABLE, "no media server")

    def resume(self, room: RoomId, peer: PeerId, connection: str) -> LivingMedia | None:
        return None

    def peers(self) -> tuple[tuple[RoomId, PeerId], ...]:
        return ()

    def state_of(self, room: RoomId, peer: PeerId) -> ConnectionState | None:
        return None

    async def measure(self, rooms: Sequence[RoomId]) -> Mapping[RoomId, RoomMeasure]:
        return {}

    async def view(self, room: RoomId, peer: PeerId, tiles: tuple[Tile, ...]) -> None:
        """Nobody looks."""

    async def share_screen(self, room: RoomId, peer: PeerId | None) -> None:
        """Nobody looks."""

    async def disconnect(self, room: RoomId, peer: PeerId) -> None:
        """Nobody is connected."""

    def listen(self, listener: MediaListener) -> Callable[[], None]:
        return lambda: None


class _NoOutbox:
    def send(self, connection: ConnectionId, event: Event) -> None:
        """Nobody is connected."""

    def close(self, connection: ConnectionId) -> None:
        """Nobody is connected."""


@pytest.fixture
async def webhook_url(tmp_path: Path) -> AsyncIterator[str]:
    """A server that takes the webhooks of `clinic-7`."""
    rooms = await open_rooms(tmp_path, _NoMedia(), _NoOutbox(), SystemClock())
    bridge = Bridge(rooms, "https://video.clinic.example/j/")
    clinic = NewClinic(
        id=ClinicId("clinic-7"),
        name="Clinic",
        phone="+7",
        time_zone="Europe/Moscow",
        policy=DEFAULT_POLICY,
        webhook_secret=SECRET,
        api_key="key",
    )
    await bridge.add_clinic(clinic)
    application = web.Application(middlewares=[problems])
    WebhookRoutes(bridge).add_to(application)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}/api/v1/webhooks/booking"
    await runner.cleanup()
    await rooms.close()


async def test_the_python_example_sends_the_events_of_the_examples(webhook_url: str) -> None:
    (example,) = _blocks(BOOKING, "python")
    names: dict[str, Any] = {}
    exec(compile(example, "booking-systems.md", "exec"), names)
    answers = {}
    for block in _blocks(BOOKING, "json"):
        event = json.loads(block)
        if "data" in event:
            answers[event["type"]] = await asyncio.to_thread(
                names["send"], webhook_url, SECRET, event["type"], event["data"]
            )
    created = answers["appointment.created"]
    assert created["result"] == "applied"
    assert [link["participant"] for link in created["links"]] == ["P-88", "D-5", "R-88-1"]
    # The payment has a lower version than the events before it, and is applied all the same.
    assert {answer["result"] for answer in answers.values()} == {"applied"}
    assert answers["payment.succeeded"]["links"] == created["links"]


ARCHITECTURE = (DOCS / "architecture.md").read_text("utf-8")


def _drawn(heading: str) -> set[tuple[str, str]]:
    """The arrows of the state diagram beneath a heading."""
    diagram = _blocks(ARCHITECTURE[ARCHITECTURE.index(heading) :], "mermaid")[0]
    return set(re.findall(r"(\w+) --> (\w+)", diagram))


def test_the_drawn_state_machines_are_those_of_the_code() -> None:
    transport = {(one.value, two.value) for one in TransportState for two in TransportState if may_follow(one, two)}
    assert _drawn("### Transport of a peer") == transport
    payment = {(one.value, two.value) for one, after in TRANSITIONS.items() for two in after}
    assert _drawn("### Payment") == payment


def test_the_table_of_admission_is_in_the_order_of_the_code() -> None:
    section = ARCHITECTURE[ARCHITECTURE.index("## Admission") : ARCHITECTURE.index("## Data")]
    assert list(_rows(section)) == list(VerdictCode)


def test_every_table_of_the_database_is_described() -> None:
    assert set(metadata.tables) <= set(_rows(ARCHITECTURE[ARCHITECTURE.index("## Data") :]))


def test_every_folder_of_code_is_on_the_map() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} | {"web"}
    assert packages <= {name.strip("/") for name in _rows(ARCHITECTURE)}


def test_every_bench_is_described() -> None:
    """Each with the section of its name and a table of its fields' bars."""
    text = (DOCS / "benchmarks.md").read_text("utf-8")
    assert set(BENCHES) <= _anchors(text)
    for name in BENCHES:
        section = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        assert "| Field | Bar |" in section, name
        assert (ROOT / "bench" / f"{name}.py").is_file()
