"""Everything that is said on the Unix socket between the server process and one media worker.

Frames: a 4-byte big-endian length, then one msgpack-encoded tagged struct. The server asks with `Request`s, the
worker answers each with exactly one `Reply` of the same `request` number, and tells `Notice`s unasked.
A worker outlives the server process: after a lost link it keeps its peers for `LINK_GRACE_SECONDS`.
"""

import msgspec

from mediaserver.tiles import TileSize

LINK_GRACE_SECONDS = 60.0
MAXIMUM_FRAME = 1 << 20


class _Frame(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    pass


class SlotEntry(msgspec.Struct, frozen=True):
    mid: str
    peer: str | None


class PeerEntry(msgspec.Struct, frozen=True):
    """One living transport, told to a server that (re)connects."""

    room: str
    peer: str
    connection: str
    number: int
    state: str
    """A `TransportState` value: connecting, live, unstable, gone."""
    shares_screen: bool = False


class TileEntry(msgspec.Struct, frozen=True):
    """How large a peer shows one receive-only video section."""

    mid: str
    size: TileSize
    main: bool


# Server → worker


class Inventory(_Frame, frozen=True):
    """Asks for every living transport; answered with `InventoryReply`; `Slots` and `Wanted` of each follow."""

    request: int


class Ping(_Frame, frozen=True):
    """Asks for a sign of life; answered with `Pong`."""

    request: int


class Offer(_Frame, frozen=True):
    request: int
    room: str
    peer: str
    connection: str
    number: int
    sdp: str


class View(_Frame, frozen=True):
    """How large a peer shows what it receives; video sections that are not named count as large."""

    request: int
    room: str
    peer: str
    tiles: tuple[TileEntry, ...]


class ShareScreen(_Frame, frozen=True):
    """Whose screen goes to everybody's screen section, if anybody's. The peer may come later, or offer anew."""

    request: int
    room: str
    peer: str | None


class Disconnect(_Frame, frozen=True):
    request: int
    room: str
    peer: str


class Statistics(_Frame, frozen=True):
    """Asks for the worker's counters; answered with `StatisticsReply`."""

    request: int
    peers: bool = True
    """Whether those of each peer are wanted too."""


class Measure(_Frame, frozen=True):
    """Asks what was counted of some rooms; answered with `MeasureReply`. Few at a time: counting holds packets up."""

    request: int
    rooms: tuple[str, ...]


Request = Inventory | Ping | Offer | View | ShareScreen | Disconnect | Statistics | Measure


# Worker → server


class InventoryReply(_Frame, frozen=True):
    request: int
    peers: tuple[PeerEntry, ...]


class Answer(_Frame, frozen=True):
    request: int
    sdp: str
    slots: tuple[SlotEntry, ...]
    missing_slots: int


class DoneReply(_Frame, frozen=True):
    request: int


class Pong(_Frame, frozen=True):
    request: int
    cpu_microseconds: int
    """Used by the process so far."""


class FlowEntry(msgspec.Struct, frozen=True, array_like=True):
    """Packets sent to one peer on the slot that carries another one's media."""

    publisher: str
    subscriber: str
    audio: int
    video: int


class RoomCounters(msgspec.Struct, frozen=True):
    peers: dict[str, dict[str, int]]
    """As in `StatisticsReply.peers`, by peer."""
    flows: tuple[FlowEntry, ...]


class MeasureReply(_Frame, frozen=True):
    request: int
    rooms: dict[str, RoomCounters]
    """Those that live here."""


class StatisticsReply(_Frame, frozen=True):
    request: int
    counters: dict[str, int]
    """Process-wide counters, drops by reason included."""
    peers: dict[str, dict[str, int]]
    """Per peer: packets and bytes each way, losses, round trip in ms, ..."""


class Refusal(_Frame, frozen=True):
    request: int
    code: str
    """A `contract.errors.ErrorCode` value."""
    detail: str


Reply = InventoryReply | Answer | DoneReply | Pong | MeasureReply | StatisticsReply | Refusal


class PeerState(_Frame, frozen=True):
    """`state`: connecting, live, unstable (3 s silent), gone (8 s silent), freed (30 s silent: transport closed)."""

    room: str
    peer: str
    connection: str
    state: str


class Slots(_Frame, frozen=True):
    """The assignment of publishers to this peer's receive-only sections changed."""

    room: str
    peer: str
    slots: tuple[SlotEntry, ...]
    missing_slots: int


class Wanted(_Frame, frozen=True):
    """Which of its pictures a publisher shall send now. Until told: `h` of the camera, no screen."""

    room: str
    peer: str
    connection: str
    camera: tuple[str, ...]
    """Rids, low to high; `("h",)` for a camera without."""
    screen: bool


Notice = PeerState | Slots | Wanted

Downward = Request
Upward = Reply | Notice
