"""The base of every wire message. Unknown fields are refused; a message is immutable."""

import msgspec


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Any structured value that crosses a border."""


class Command(Message, frozen=True, kw_only=True):
    """A request from a browser, always acknowledged. The domain that owns it lists it under its wire name.

    `id` is made by the client (a UUID), so a repeat after a lost socket is recognised and answered
    with the stored acknowledgement instead of being done twice.
    """

    id: str
