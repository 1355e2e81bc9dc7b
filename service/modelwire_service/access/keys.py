"""API keys: how they look, how they are kept and how a given one is recognised.

A key reads `mw-<id>-<secret>`. The id names its row, so that recognising a key is one look-up. What is kept is the
SHA-256 of the whole text: the secret is 32 random bytes, which nobody can try out, so that a slow hash, made for
passwords that people choose, would protect nothing and cost each call some milliseconds.
"""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from modelwire_service.access.caller import Caller, Limits

_FORM: Final = re.compile(r"mw-([a-z2-7]{10})-[A-Za-z0-9_-]{43}")
_NO_DIGEST: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is kept of a key. `models` are globs of what it may call (empty: all); moments are in UTC."""

    id: str
    name: str
    digest: bytes = field(repr=False)
    models: tuple[str, ...]
    limits: Limits
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def usable_at(self, moment: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or moment < self.expires_at)

    def caller(self) -> Caller:
        """Whom a call with this key comes from."""
        return Caller(self.id, self.name, self.models, self.limits)


def new_key() -> tuple[str, str, bytes]:
    """A fresh key: its text, which is told once and kept nowhere, its id and its digest."""
    key_id = base64.b32encode(secrets.token_bytes(7)).decode().lower()[:10]
    text = f"mw-{key_id}-{secrets.token_urlsafe(32)}"
    return text, key_id, _digest(text)


def parsed(text: str) -> tuple[str, bytes] | None:
    """The id and the digest of a key's text; None where the text has not the form of a key."""
    if (found := _FORM.fullmatch(text)) is None:
        return None
    return found[1], _digest(text)


def matches(key: ApiKey | None, digest: bytes) -> bool:
    """Whether `digest` is that of `key`. The time it takes tells neither how much fits nor whether there is a key."""
    fits = hmac.compare_digest(_NO_DIGEST if key is None else key.digest, digest)
    return fits and key is not None


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
