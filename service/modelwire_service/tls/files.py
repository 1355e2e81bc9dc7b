"""PEM files (RFC 7468), read and checked. What is wrong is told by setting and path, never by content."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_WEAK: Final = frozenset({"EE_KEY_TOO_SMALL", "CA_KEY_TOO_SMALL", "CA_MD_TOO_WEAK"})


class FileError(ValueError):
    """A file cannot be used; the text names the setting and the path."""

    def __init__(self, setting: str, path: Path, reason: str) -> None:
        super().__init__(f"{setting}: {path}: {reason}")


@dataclass(frozen=True, slots=True)
class File:
    """A file, and the setting that names it."""

    setting: str
    path: Path

    def read(self) -> bytes:
        """Raises FileError."""
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise self.error(error.strerror or "cannot be read") from None

    def certificates(self) -> bytes:
        """The content, which is one certificate or more. Raises FileError."""
        content = self.read()
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=content.decode("ascii", "ignore"))
        except (ssl.SSLError, ValueError):
            raise self.error("holds no certificate in PEM") from None
        return content

    def error(self, reason: str) -> FileError:
        return FileError(self.setting, self.path, reason)


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate, with those between it and its authority behind it, and its key; both in PEM."""

    certificate: bytes
    key: bytes = field(repr=False)


def load_pair(context: ssl.SSLContext, certificate: File, key: File) -> Pair:
    """Makes `context` use the pair in two files, and gives what was in them. Raises FileError.

    A pair that is replaced meanwhile is refused: OpenSSL loads keys by their path alone.
    """
    pair = Pair(certificate.certificates(), key.read())
    try:
        context.load_cert_chain(certificate.path, key.path, password=_passphrase)
    except _PassphraseNeededError:
        raise key.error("is protected by a passphrase; a key without one is needed") from None
    except ssl.SSLError as error:
        raise _refused(error, certificate, key) from None
    except OSError as error:
        raise key.error(error.strerror or "cannot be read") from None
    if pair != Pair(certificate.read(), key.read()):
        raise certificate.error("is being replaced")
    return pair


def complaints_of(read: Callable[[], object]) -> list[str]:
    """What FileError says that `read` raises; nothing if it raises none."""
    try:
        read()
    except FileError as error:
        return [str(error)]
    return []


class _PassphraseNeededError(Exception):
    pass


def _passphrase() -> str:
    """In the place of OpenSSL's own, which asks at the terminal."""
    raise _PassphraseNeededError


def _refused(error: ssl.SSLError, certificate: File, key: File) -> FileError:
    if error.reason == "KEY_VALUES_MISMATCH":
        return key.error(f"is not the key of {certificate.setting}")
    if error.reason in _WEAK:
        return certificate.error("is too weak: 2048 bits of RSA, or 224 of an elliptic curve, are needed")
    return key.error("holds no private key in PEM")
