"""Reading JSON bodies into declared structs."""

from typing import TypeVar

import msgspec
from aiohttp import web

from contract.errors import ErrorCode, InputError

MAXIMUM_BODY = 256 * 1024

Body = TypeVar("Body", bound=msgspec.Struct)


async def read_body(request: web.Request, kind: type[Body]) -> Body:
    """Raises `InputError(BAD_MESSAGE)`; a body over `MAXIMUM_BODY` raises aiohttp's 413."""
    try:
        return msgspec.json.decode(await request.read(), type=kind, strict=True)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(ErrorCode.BAD_MESSAGE, str(error)[:200]) from None


def json_response(value: object, status: int = 200) -> web.Response:
    """A struct as JSON, never stored by anybody on the way."""
    return web.Response(
        status=status,
        body=msgspec.json.encode(value),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
