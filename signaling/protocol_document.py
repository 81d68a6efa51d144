"""Generates `docs/protocol.md` from the wire messages and the table of permissions."""

from enum import StrEnum
from inspect import cleandoc

import msgspec
from msgspec import NODEFAULT

from rooms.messages import COMMANDS, EVENTS, RESULTS
from rooms.roles import Role
from signaling.permissions import CAPABILITIES, RULES, Place
from signaling.wire_types import collect, struct_fields, typescript_type

_INTRODUCTION = """\
# The protocol

Generated from the Python message declarations by `python -m signaling.generated_files`. Do not edit.

## How it is spoken

- Socket.IO, path `/socket.io`, namespace `/consultation`; WebSocket first, long polling where that is blocked.
- The connection says `{participant: "<id>"}` as its auth; who it is comes from that participant's HttpOnly cookie
  (`konsilium_<participant id>`), which `POST /api/v1/sessions` sets in exchange for the link's token.
- A refused connection gets a `connect_error` with `data: {code, detail}`; `session_required` and `session_expired`
  mean: exchange the link again.
- Right after the connection stands, the server sends `admission.changed`, and again whenever the verdict changes.
- A command is an event with one JSON object, always acknowledged: `{"ok": true, "result": …}` or
  `{"ok": false, "error": {"code", "detail", "verdict"}}`. Unknown events, unknown fields and oversize messages too.
- `id` is made by the client, 1 to 64 characters. The same id from the same device is answered from memory, also on
  another socket, so a command whose answer was lost can simply be sent again.
- Commands of one connection are done in the order in which they were sent. Events that follow from `room.join` come
  after its answer; an event with a `version` not above the snapshot's is already contained in it.
- A client that does not read is cut (`slow_consumer`); it may connect again and resume.
- Moments are ISO 8601 in UTC; the server's time decides.
"""


def protocol_document() -> str:
    """The whole document."""
    types = collect()
    parts = [_INTRODUCTION, _commands(), _permissions(), _events(), "## Types\n"]
    parts += [_enum(one) for one in types.enums]
    parts += [_struct(one) for one in types.structs if one not in COMMANDS.values() and one not in EVENTS.values()]
    return "\n".join(parts)


def _text(documented: type) -> str:
    return " ".join(cleandoc(documented.__doc__ or "").split())


def _commands() -> str:
    parts = ["## Commands\n"]
    for name, command in COMMANDS.items():
        parts.append(f"### `{name}`\n\n{_text(command)}\n\n{_fields(command)}\nAnswer: `{RESULTS[name].__name__}`\n")
    return "\n".join(parts)


def _permissions() -> str:
    header = "| Command | Place | " + " | ".join(f"`{role}`" for role in Role) + " |\n"
    header += "| --- | --- |" + " --- |" * len(Role) + "\n"
    rows = ""
    for name, rule in RULES.items():
        place = "anywhere" if rule.places == frozenset(Place) else ", ".join(sorted(rule.places))
        marks = " | ".join("yes" if rule.capability in CAPABILITIES[role] else "–" for role in Role)
        rows += f"| `{name}` | {place} | {marks} |\n"
    return (
        "## Who may do what\n\nA refused role gets `forbidden`; a command that needs the seat in the room gets "
        f"`not_in_room` without it.\n\n{header}{rows}"
    )


def _events() -> str:
    parts = ["## Events\n"]
    for name, event in EVENTS.items():
        parts.append(f"### `{name}`\n\n{_text(event)}\n\n{_fields(event)}")
    return "\n".join(parts)


def _enum(enum: type[StrEnum]) -> str:
    values = ", ".join(f"`{member.value}`" for member in enum)
    return f"### {enum.__name__}\n\n{_text(enum)}\n\n{values}\n"


def _struct(struct: type[msgspec.Struct]) -> str:
    return f"### {struct.__name__}\n\n{_text(struct)}\n\n{_fields(struct)}"


def _fields(struct: type[msgspec.Struct]) -> str:
    fields = struct_fields(struct)
    if not fields:
        return "No fields.\n"
    rows = "".join(
        f"| `{field.encode_name}` | `{typescript_type(field.type).replace('|', chr(92) + '|')}` | "
        f"{'yes' if field.default is NODEFAULT and field.default_factory is NODEFAULT else 'no'} |\n"
        for field in fields
    )
    return f"| Field | Type | Required |\n| --- | --- | --- |\n{rows}"
