"""Walks the declared wire messages: which structs and enums there are, and how each field looks as JSON."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import inspect

from contract.errors import ErrorCode
from rooms.messages import COMMANDS, EVENTS, RESULTS
from signaling.acknowledgement import ErrorView


@dataclass(frozen=True, slots=True)
class WireTypes:
    """Everything that crosses the socket, in the order of first use."""

    enums: tuple[type[StrEnum], ...]
    structs: tuple[type[msgspec.Struct], ...]
    sent_by_client: frozenset[type[msgspec.Struct]]


def collect() -> WireTypes:
    """All structs and enums reachable from the commands, results, events and the error of an acknowledgement."""
    walker = _Walker()
    walker.enums[ErrorCode] = None
    for command in COMMANDS.values():
        walker.visit_struct(command)
    sent_by_client = frozenset(walker.structs)
    reached: list[type[msgspec.Struct]] = [*RESULTS.values(), *EVENTS.values(), ErrorView]
    for message in reached:
        walker.visit_struct(message)
    return WireTypes(tuple(walker.enums), tuple(walker.structs), sent_by_client)


class _Walker:
    def __init__(self) -> None:
        self.enums: dict[type[StrEnum], None] = {}
        self.structs: dict[type[msgspec.Struct], None] = {}

    def visit_struct(self, struct: type[msgspec.Struct]) -> None:
        if struct in self.structs:
            return
        self.structs[struct] = None
        for field in struct_fields(struct):
            self._visit(field.type)

    def _visit(self, kind: inspect.Type) -> None:
        match kind:
            case inspect.EnumType(cls=cls):
                self.enums[enum_class(cls)] = None
            case inspect.StructType(cls=cls):
                self.visit_struct(cls)
            case inspect.UnionType(types=types):
                self._visit_all(types)
            case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
                self._visit(item)
            case inspect.DictType(value_type=value):
                self._visit(value)
            case _:
                pass

    def _visit_all(self, kinds: Iterable[inspect.Type]) -> None:
        for kind in kinds:
            self._visit(kind)


def enum_class(cls: Any) -> type[StrEnum]:
    """An enum class, as the checker knows it."""
    if not (isinstance(cls, type) and issubclass(cls, StrEnum)):
        raise TypeError(f"{cls} is no enum")
    return cls


def struct_fields(struct: type[msgspec.Struct]) -> tuple[inspect.Field, ...]:
    """The fields of a struct with their types resolved."""
    info = inspect.type_info(struct)
    if not isinstance(info, inspect.StructType):
        raise TypeError(f"{struct} is no struct")
    return info.fields


def typescript_type(kind: inspect.Type) -> str:
    """The TypeScript type of a field."""
    match kind:
        case inspect.StrType():
            return "string"
        case inspect.DateTimeType():
            return "Timestamp"
        case inspect.IntType() | inspect.FloatType():
            return "number"
        case inspect.BoolType():
            return "boolean"
        case inspect.NoneType():
            return "null"
        case inspect.EnumType(cls=cls) | inspect.StructType(cls=cls):
            return str(cls.__name__)
        case inspect.UnionType(types=types):
            return " | ".join(typescript_type(one) for one in types)
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            inner = typescript_type(item)
            return f"readonly ({inner})[]" if " " in inner else f"readonly {inner}[]"
        case inspect.DictType(value_type=value):
            return f"Readonly<Record<string, {typescript_type(value)}>>"
        case _:
            raise TypeError(f"no TypeScript type is known for {kind}")
