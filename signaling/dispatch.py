"""The one dispatcher: parse → authorise → handle → always acknowledge. An exception becomes an error code."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
import structlog

from contract.errors import AccessError, ConflictError, ErrorCode, InputError, KonsiliumError, LimitError
from contract.messages import Command, Message
from rooms.messages import COMMANDS
from rooms.outbox import Caller
from rooms.roles import Role
from signaling.acknowledgement import Acknowledgement, failure, success
from signaling.payload_size import check_payload
from signaling.permissions import CAPABILITIES, RULES, Place
from signaling.rate import KeyedLimiter
from signaling.session import DeviceSession

MAXIMUM_ID = 64

OFFERS_PER_SECOND = 1.0
OFFER_BURST = 30
"""Of one participant, over all devices and connections: what one person asks of a worker, a whole room pays for."""

CREDENTIALS_PER_SECOND = 1 / 60
CREDENTIALS_BURST = 20
"""Of one participant: a page asks once a stay, and keeps what it got for hours."""

TOLD_PER_SECOND = 1.0
TOLD_BURST = 15
"""Of one participant: what everybody is told waits in the queue of whoever's link stalls, and a full queue is cut off.
At this rate the ping notices a stalled link long before."""

Handler = Callable[[Caller, Any], Awaitable[Message]]

log = structlog.get_logger("signaling.dispatch")


class Dispatcher:
    """Turns a named payload of a known caller into an acknowledgement; `handlers` has one entry per command."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        if set(handlers) != set(COMMANDS) or set(RULES) != set(COMMANDS):
            raise ValueError("handlers and rules must name exactly the declared commands")
        self._handlers = handlers
        self._offers = KeyedLimiter(OFFERS_PER_SECOND, OFFER_BURST)
        self._credentials = KeyedLimiter(CREDENTIALS_PER_SECOND, CREDENTIALS_BURST)
        self._told = KeyedLimiter(TOLD_PER_SECOND, TOLD_BURST)
        self.outcomes: Counter[tuple[str, str]] = Counter()
        """How often each command came to which outcome: `ok`, the verdict that refused, or an error code."""

    async def answer(
        self, caller: Caller, place: Place, device: DeviceSession, name: str, arguments: tuple[object, ...]
    ) -> Acknowledgement:
        """Always an acknowledgement, never an exception. `place` is where the caller's connection is now."""
        answer = await self._answer(caller, place, device, name, arguments)
        # What a client makes up must not fill the memory.
        self.outcomes[name if name in self._handlers else "unknown", _outcome(answer)] += 1
        return answer

    async def _answer(
        self, caller: Caller, place: Place, device: DeviceSession, name: str, arguments: tuple[object, ...]
    ) -> Acknowledgement:
        try:
            command = parse(name, arguments)
            authorise(caller.role, place, name)
            self._limit(caller, name)
            return await device.once(
                command.id,
                name,
                caller.connection,
                binds_connection=RULES[name].binds_connection,
                perform=lambda: self._perform(caller, name, command),
            )
        except KonsiliumError as error:
            return failure(error.code, error.detail)
        except Exception:
            log.exception("command_failed", command=name)
            return failure(ErrorCode.INTERNAL)

    def _limit(self, caller: Caller, name: str) -> None:
        if RULES[name].carries_offer and not self._offers.take(caller.participant):
            raise LimitError(ErrorCode.TOO_MANY, "too many offers; wait a little")
        if RULES[name].gives_credentials and not self._credentials.take(caller.participant):
            raise LimitError(ErrorCode.TOO_MANY, "credentials were given often enough; they last for hours")

        if RULES[name].is_told and not self._told.take(caller.participant):
            raise LimitError(ErrorCode.TOO_MANY, "too many changes that everybody is told of; wait a little")

    async def _perform(self, caller: Caller, name: str, command: Command) -> Acknowledgement:
        try:
            return success(await self._handlers[name](caller, command))
        except KonsiliumError as error:
            return failure(error.code, error.detail, getattr(error, "verdict", None))
        except Exception:
            log.exception("command_failed", command=name)
            return failure(ErrorCode.INTERNAL)


def _outcome(answer: Acknowledgement) -> str:
    if answer["ok"]:
        return "ok"
    error = answer["error"]
    return str((error["verdict"] or error)["code"])


def authorise(role: Role, place: Place, name: str) -> None:
    """Raises `AccessError(FORBIDDEN)` or `ConflictError(NOT_IN_ROOM)` as the table says."""
    rule = RULES[name]
    if rule.capability not in CAPABILITIES[role]:
        raise AccessError(ErrorCode.FORBIDDEN, f"{name} is not for the role {role}")
    if place not in rule.places:
        raise ConflictError(ErrorCode.NOT_IN_ROOM, f"{name} needs the seat in the room")


def parse(name: str, arguments: tuple[object, ...]) -> Command:
    """The typed command. Raises `InputError` with `UNKNOWN_MESSAGE`, `BAD_MESSAGE` or `TOO_LARGE`."""
    declared = COMMANDS.get(name)
    if declared is None:
        raise InputError(ErrorCode.UNKNOWN_MESSAGE, "no such command")
    if len(arguments) != 1:
        raise InputError(ErrorCode.BAD_MESSAGE, "a command has exactly one payload")
    check_payload(arguments[0])
    try:
        command = msgspec.convert(arguments[0], declared, strict=True)
    except (msgspec.ValidationError, RecursionError) as error:
        raise InputError(ErrorCode.BAD_MESSAGE, str(error)) from None
    if not 0 < len(command.id) <= MAXIMUM_ID:
        raise InputError(ErrorCode.BAD_MESSAGE, f"an id has 1 to {MAXIMUM_ID} characters")
    return command
