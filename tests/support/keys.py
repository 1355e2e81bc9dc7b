"""API keys, and a store of them in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from modelwire_service.access.caller import Limits
from modelwire_service.access.keys import ApiKey, new_key

CREATED = datetime(2026, 1, 1, tzinfo=UTC)


def made_key(name: str = "somebody", expires_at: datetime | None = None) -> tuple[str, ApiKey]:
    """The text of a fresh key, and the key."""
    text, key_id, digest = new_key()
    limits = Limits(requests_per_minute=60)
    return text, ApiKey(key_id, name, digest, ("gpt-*",), limits, CREATED, expires_at=expires_at)


class Keys:
    """What a KeyStore holds. Set `failure` to have it raise that, whatever it is asked."""

    def __init__(self, *keys: ApiKey) -> None:
        self._keys = {key.id: key for key in keys}
        self._version = 1
        self.failure: Exception | None = None
        self.loads = 0

    def all(self) -> Sequence[ApiKey]:
        self._fail()
        self.loads += 1
        return list(self._keys.values())

    def version(self) -> int:
        self._fail()
        return self._version

    def put(self, key: ApiKey) -> None:
        self._keys[key.id] = key
        self._version += 1

    def revoke(self, key: ApiKey) -> None:
        self.put(replace(key, revoked_at=CREATED))

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure
