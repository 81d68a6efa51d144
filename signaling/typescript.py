"""Generates `web/src/protocol/generated.ts` from the wire messages."""

import re
from collections.abc import Mapping
from enum import StrEnum
from inspect import cleandoc

import msgspec
from msgspec import NODEFAULT, inspect

from rooms.messages import COMMANDS, EVENTS, RESULTS
from signaling.wire_types import collect, struct_fields, typescript_type

_HEADER = """\
// Generated from the Python message declarations by `python -m signaling.generated_files`. Do not edit.

/** A moment as ISO 8601 in UTC. */
export type Timestamp = string;
"""

_FOOTER = """\
export type CommandName = keyof CommandMap;
export type EventName = keyof EventMap;

/** The answer to every command. */
export type Acknowledgement<Name extends CommandName> =
  | { readonly ok: true; readonly result: ResultMap[Name] }
  | { readonly ok: false; readonly error: ErrorView };
"""


def typescript() -> str:
    """The whole file."""
    types = collect()
    parts = [_HEADER]
    parts += [_enum(one) for one in types.enums]
    parts += [_interface(one, sent_by_client=one in types.sent_by_client) for one in types.structs]
    parts += [_map("CommandMap", COMMANDS), _map("ResultMap", RESULTS), _map("EventMap", EVENTS), _FOOTER]
    return "\n".join(parts)


def _enum(enum: type[StrEnum]) -> str:
    constant = re.sub(r"(?<!^)(?=[A-Z])", "_", enum.__name__).upper() + "_VALUES"
    values = "".join(f'  "{member.value}",\n' for member in enum)
    return (
        f"{_comment(enum.__doc__, '')}export const {constant} = [\n{values}] as const;\n"
        f"export type {enum.__name__} = (typeof {constant})[number];\n"
    )


def _interface(struct: type[msgspec.Struct], *, sent_by_client: bool) -> str:
    lines = [_field(field, sent_by_client=sent_by_client) for field in struct_fields(struct)]
    return f"{_comment(struct.__doc__, '')}export interface {struct.__name__} {{\n{''.join(lines)}}}\n"


def _field(field: inspect.Field, *, sent_by_client: bool) -> str:
    has_default = field.default is not NODEFAULT or field.default_factory is not NODEFAULT
    optional = "?" if sent_by_client and has_default else ""
    return f"  readonly {field.encode_name}{optional}: {typescript_type(field.type)};\n"


def _map(name: str, messages: Mapping[str, type[msgspec.Struct]]) -> str:
    lines = "".join(f'  "{key}": {message.__name__};\n' for key, message in messages.items())
    return f"export interface {name} {{\n{lines}}}\n"


def _comment(text: str | None, indent: str) -> str:
    if not text or text.startswith(("A enumeration", "An enumeration")):
        return ""
    lines = cleandoc(text).splitlines()
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */\n"
    body = "".join(f"{indent} * {line}".rstrip() + "\n" for line in lines)
    return f"{indent}/**\n{body}{indent} */\n"
