"""Who may come in. A gate is asked at each call, with the metadata of the call, before anything else is done."""

import hashlib
import time
from collections.abc import Callable
from typing import Final, Protocol

from modelwire_service.access.caller import ANYONE, Caller
from modelwire_service.access.credentials import Metadata, credential_in
from modelwire_service.access.key_table import KeyTable, KnownKey
from modelwire_service.errors import Unauthenticated

_HOW: Final = "send it as `Authorization: Bearer KEY`, as `x-goog-api-key: KEY` or as `?key=KEY`"
_NO_KEY: Final = f"no API key: {_HOW}"
_NO_CREDENTIAL: Final = f"no API key: calls go on with your own key of the provider; {_HOW}"
_UNKNOWN: Final = "the API key is not valid: check that it is one of this server's and was copied whole"


class Gate(Protocol):
    @property
    def asks(self) -> bool:
        """Whether a credential is asked for."""
        ...

    def caller(self, metadata: Metadata | None) -> Caller:
        """Who calls. Raises Unauthenticated, or InvalidRequest where they bring several credentials."""
        ...


class OpenGate:
    """Lets everybody in and looks at no credential."""

    asks = False

    def caller(self, metadata: Metadata | None) -> Caller:
        return ANYONE


class KeyGate:
    """Lets in who has a key that is neither revoked nor expired. `clock` gives seconds since 1970.

    Only who has the whole key learns that it was revoked or expired.
    """

    asks = True

    def __init__(self, table: KeyTable, clock: Callable[[], float] = time.time) -> None:
        self._table = table
        self._clock = clock

    def caller(self, metadata: Metadata | None) -> Caller:
        if (credential := credential_in(metadata)) is None:
            raise Unauthenticated(_NO_KEY)
        if (known := self._table.find(credential)) is None:
            raise Unauthenticated(_UNKNOWN)
        if known.revoked or known.expires_at <= self._clock():
            raise Unauthenticated(_lapsed(known))
        return known.caller


class AutoGate:
    """Open while there are no keys, revoked and expired ones included; from the first on, as a KeyGate for good."""

    def __init__(self, table: KeyTable, clock: Callable[[], float] = time.time) -> None:
        self._table = table
        self._open = True
        self._keys = KeyGate(table, clock)

    @property
    def asks(self) -> bool:
        if self._open:
            self._open = not len(self._table)
        return not self._open

    def caller(self, metadata: Metadata | None) -> Caller:
        return self._keys.caller(metadata) if self.asks else ANYONE


class PassThroughGate:
    """Lets in who brings any credential, which goes to the upstream with the call.

    Callers are told apart by the beginning of the credential's SHA-256, from which nobody gets a key back.
    """

    asks = True

    def caller(self, metadata: Metadata | None) -> Caller:
        if (credential := credential_in(metadata)) is None:
            raise Unauthenticated(_NO_CREDENTIAL)
        return Caller(id=hashlib.sha256(credential.encode()).hexdigest()[:16], credential=credential)


def _lapsed(known: KnownKey) -> str:
    name = f"the API key mw-{known.key.id}-…"
    if known.revoked:
        return f"{name} was revoked"
    return f"{name} expired on {known.key.expires_at:%Y-%m-%d}"
