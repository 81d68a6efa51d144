"""Why an incoming packet was not decrypted."""

import pylibsrtp

from mediaserver.drops import Drop
from mediaserver.places import Place
from mediaserver.srtp import Handle, Unprotect


class Refused(ValueError):
    """It never came to libsrtp."""

    def __init__(self, reason: Drop) -> None:
        super().__init__(reason.name)
        self.reason = reason


def reason_of(error: pylibsrtp.Error | ValueError) -> Drop:
    """Of what an `Unprotect` raised."""
    if isinstance(error, Refused):
        return error.reason
    if isinstance(error, ValueError):
        return Drop.TOO_LONG
    return Drop.SRTP_REPLAYED if str(error).startswith("replay") else Drop.SRTP_AUTHENTICATION_FAILED


def _always(reason: Drop) -> Unprotect:
    def refuse(handle: Handle, place: Place, length: int) -> bytes:
        raise Refused(reason)

    return refuse


no_keys = _always(Drop.MEDIA_BEFORE_KEYS)
too_many_packets = _always(Drop.MEDIA_TOO_MANY_PACKETS)
