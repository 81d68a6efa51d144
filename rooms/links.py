"""Personal links: an opaque 128-bit token, derived from a key so that it need not be stored."""

import base64
import contextlib
import hashlib
import hmac
import os
import secrets
import tempfile
from datetime import datetime
from pathlib import Path

from contract.ids import ParticipantId
from rooms.model import Link
from rooms.storage.store import Transaction

TOKEN_LENGTH = 22
_TOKEN_BYTES = 16
_KEY_BYTES = 32


class LinkKey:
    """The secret that tokens are derived with. Whoever has it and the database can make every link."""

    def __init__(self, key: bytes) -> None:
        if len(key) != _KEY_BYTES:
            raise ValueError(f"a link key has {_KEY_BYTES} bytes")
        self._key = key

    @classmethod
    def load(cls, path: Path) -> "LinkKey":
        """Reads the key file, or makes one that only the owner may read. Blocks: call it in a thread."""
        if not path.exists():
            _write_new(path, secrets.token_bytes(_KEY_BYTES))
        return cls(path.read_bytes())

    def token(self, link: Link) -> str:
        """22 URL-safe characters, always the same for one participant and generation."""
        message = f"{link.participant}:{link.generation}".encode()
        digest = hmac.new(self._key, message, hashlib.sha256).digest()[:_TOKEN_BYTES]
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _write_new(path: Path, content: bytes) -> None:
    """Whole or not at all, also when the power fails on the way; an existing file stays as it is."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        os.unlink(temporary)


def hash_secret(secret: str) -> str:
    """How tokens and cookie secrets are stored. They are random, so a plain hash is enough.

    Bytes of a header that are no UTF-8 arrive as surrogates (PEP 383): such a secret is merely nobody's.
    """
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


async def issue_link(transaction: Transaction, key: LinkKey, participant: ParticipantId, at: datetime) -> Link:
    """Makes the next generation of a participant's link; all earlier ones are revoked."""
    earlier = await transaction.links.of_participant(participant)
    await transaction.links.revoke_all(participant, at)
    link = Link(participant, earlier[-1].generation + 1 if earlier else 1)
    await transaction.links.add(link, hash_secret(key.token(link)), at)
    return link
