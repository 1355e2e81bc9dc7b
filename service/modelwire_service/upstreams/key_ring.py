"""The keys an upstream is called with.

Several keys take turns. One that was limited rests, for the model it was limited for alone, since quotas are per model;
so does one that was refused, while there are others. A key that is alone never rests: nothing would be won by it.
"""

import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from modelwire_service.call_record import current
from modelwire_service.errors import KeysLimited, UpstreamRefused

LIMITED: Final = 429
REFUSED: Final = (401, 403)
LIMITED_REST_SECONDS: Final = 5.0  # where the upstream told no time
REFUSED_REST_SECONDS: Final = 60.0


class Keys(Protocol):
    """Where keys come from. A scope is what a key may be limited for: a model."""

    @property
    def secrets(self) -> Sequence[str]:
        """What must never be told to anybody, of the call under way."""
        ...

    def key(self, scope: str) -> str | None:
        """The key of the next request, None if requests go without. Raises KeysLimited where all are."""
        ...

    def note(self, key: str | None, scope: str, refusal: UpstreamRefused) -> bool:
        """Takes notice of how a request with `key` was refused. Whether it may be sent again at once, with another."""
        ...


class KeyRing:
    """Any number of keys, none included, each of which is used in its turn. `clock` gives seconds."""

    def __init__(self, keys: Sequence[str], clock: Callable[[], float] = time.monotonic) -> None:
        self.secrets = tuple(dict.fromkeys(keys))
        self._clock = clock
        self._next = 0
        self._rests: dict[tuple[str, str], float] = {}

    def key(self, scope: str) -> str | None:
        if len(self.secrets) < 2:
            return self.secrets[0] if self.secrets else None
        for offset in range(len(self.secrets)):
            at = (self._next + offset) % len(self.secrets)
            if self._rest_of(self.secrets[at], scope) <= 0:
                self._next = at + 1
                return self.secrets[at]
        raise KeysLimited(retry_after=self._shortest_rest(scope))

    def note(self, key: str | None, scope: str, refusal: UpstreamRefused) -> bool:
        if key is None or len(self.secrets) < 2:
            return False
        others_ready = any(self._rest_of(other, scope) <= 0 for other in self.secrets if other != key)
        if refusal.http_status == LIMITED:
            told = refusal.retry_after
            self._rest(key, scope, LIMITED_REST_SECONDS if told is None else told)
            refusal.retry_after = self._shortest_rest(scope)
            return others_ready
        if refusal.http_status in REFUSED and others_ready:
            self._rest(key, scope, REFUSED_REST_SECONDS)
        return False

    def _rest(self, key: str, scope: str, seconds: float) -> None:
        now = self._clock()
        self._rests = {held: until for held, until in self._rests.items() if until > now}
        self._rests[key, scope] = now + seconds

    def _rest_of(self, key: str, scope: str) -> float:
        until = self._rests.get((key, scope))
        return 0.0 if until is None else until - self._clock()

    def _shortest_rest(self, scope: str) -> float:
        return max(0.0, min(self._rest_of(key, scope) for key in self.secrets))


class PassedThrough:
    """The key of whoever makes the call under way."""

    @property
    def secrets(self) -> Sequence[str]:
        credential = current().caller.credential
        return () if credential is None else (credential,)

    def key(self, scope: str) -> str | None:
        return current().caller.credential

    def note(self, key: str | None, scope: str, refusal: UpstreamRefused) -> bool:
        return False


def keys_of(given: str | Keys | None) -> Keys:
    """The source of one key, or of none, where it is not a source itself."""
    return given if given is not None and not isinstance(given, str) else KeyRing([given] if given else [])
