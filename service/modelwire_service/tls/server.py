"""The certificate the doors show, renewed without a restart.

Theory of operation. `watch` looks at the files a few times a second, by what the file system says of them. Renewal
writes a certificate and a key one after the other, and each not in one go, so a change counts only once the files look
the same twice in a row. Then they are read and checked as at the start. If they can be used, the next handshake uses
them; if not, that is logged once and what was in use stays. Connections that are open go on with what they began with.
"""

import asyncio
import logging
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from modelwire_service.settings import ConfigurationError, Settings
from modelwire_service.tls.files import File, FileError, Pair, complaints_of, load_pair

_LOOK_SECONDS: Final = 0.25

_log: Final = logging.getLogger("modelwire.tls")


@dataclass(frozen=True, slots=True)
class Material:
    """What handshakes need: `context` those of HTTP/1.1, the PEM texts those of gRPC."""

    context: ssl.SSLContext
    pair: Pair
    client_authorities: bytes | None = field(repr=False)
    """Of the certificates that callers must show; None where they need none."""


class ServerCertificates:
    """The pair in two files, and the authorities of callers' certificates if `client_ca` is given.

    Raises ConfigurationError for files that cannot be used.
    """

    def __init__(self, certificate: Path, key: Path, client_ca: Path | None = None) -> None:
        self._certificate = File("tls_certificate", certificate)
        self._key = File("tls_key", key)
        self._client_ca = File("tls_client_ca", client_ca) if client_ca else None
        self._seen = self._looks()
        if complaints := [*complaints_of(self._load), *complaints_of(self._authorities)]:
            raise ConfigurationError(complaints)
        self.current = self._read()

    def context(self) -> ssl.SSLContext:
        """The context of the next connection over HTTP/1.1."""
        return self.current.context

    async def watch(self) -> None:
        """Renews what `current` is when the files change, until it is cancelled."""
        before = self._seen
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            looks = await asyncio.to_thread(self._looks)
            if looks == before and looks != self._seen:
                self._seen = looks
                await asyncio.to_thread(self._renew)
            before = looks

    def _renew(self) -> None:
        try:
            renewed = self._read()
        except FileError as error:
            _log.warning("the changed certificate cannot be used", extra={"fields": {"cause": str(error)}})
            return
        changed = (renewed.pair, renewed.client_authorities) != (self.current.pair, self.current.client_authorities)
        if changed:
            self.current = renewed
            _log.info("the certificate is renewed", extra={"fields": {"file": str(self._certificate.path)}})

    def _read(self) -> Material:
        return Material(*self._load(), self._authorities())

    def _load(self) -> tuple[ssl.SSLContext, Pair]:
        context = _context()
        return context, load_pair(context, self._certificate, self._key)

    def _authorities(self) -> bytes | None:
        return self._client_ca.certificates() if self._client_ca is not None else None

    def _looks(self) -> tuple[tuple[int, ...], ...]:
        """Of each file what changes with its content; nothing of one that is not there."""
        files = (self._certificate, self._key, self._client_ca)
        return tuple(_look(file.path) for file in files if file is not None)


def server_certificates(settings: Settings) -> ServerCertificates | None:
    """Those of the doors; None where they are plain. Raises ConfigurationError."""
    certificate, key, client_ca = settings.tls_certificate, settings.tls_key, settings.tls_client_ca
    if certificate is not None and key is not None:
        return ServerCertificates(certificate, key, client_ca)
    given = {"tls_certificate": certificate, "tls_key": key, "tls_client_ca": client_ca}
    if not any(given.values()):
        return None
    missing = [name for name in ("tls_certificate", "tls_key") if given[name] is None]
    needing = next(name for name, path in given.items() if path is not None)
    raise ConfigurationError([f"{name}: is needed with {needing}" for name in missing])


@asynccontextmanager
async def watched(certificates: ServerCertificates | None) -> AsyncIterator[None]:
    """Renews the certificates until the end of the block."""
    watching = asyncio.create_task(certificates.watch()) if certificates else None
    try:
        yield
    finally:
        if watching is not None:
            watching.cancel()


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    return context


def _look(path: Path) -> tuple[int, ...]:
    try:
        found = os.stat(path)
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
