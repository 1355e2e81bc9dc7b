"""The credential a call brings: in `authorization` or in `x-goog-api-key`, in one of them, once.

A key in a query (`?key=`, as clients of Gemini send it) arrives as `x-goog-api-key`. Headers sent twice arrive from
REST joined with a comma (RFC 9110, 5.3), and no key has a comma in it.
"""

from collections.abc import Iterable
from typing import Final

from modelwire_service.errors import InvalidRequest, Unauthenticated

Metadata = Iterable[tuple[str, str | bytes]]
"""Pairs, or a grpc.aio.Metadata, whose iteration gives pairs; None where a call has none."""

_BEARER: Final = "bearer "


def credential_in(metadata: Metadata | None) -> str | None:
    """The credential, printable ASCII without blanks; None where there is none or an empty one.

    Raises InvalidRequest for several at once, of whatever worth, and Unauthenticated for one in another form.
    """
    name = given = None
    for key, value in metadata or ():
        if key == "authorization" or key == "x-goog-api-key":
            if name is not None:
                raise _several(name, key)
            name, given = key, value
    if name is None or given is None:
        return None
    text = given if isinstance(given, str) else given.decode("latin-1")
    if "," in text:
        raise _several(name, name)
    return _checked(_token(text) if name == "authorization" else text.strip(" "))


def _token(text: str) -> str:
    """What follows the scheme (RFC 6750, 2.1), whose case is free (RFC 9110, 11.1)."""
    if text[:7].lower() != _BEARER and text.strip(" ").lower() not in ("", "bearer"):
        raise Unauthenticated("authorization: of its schemes only Bearer is taken: `Authorization: Bearer KEY`")
    return text[7:].strip(" ")


def _checked(credential: str) -> str | None:
    if not (credential.isascii() and credential.isprintable()) or " " in credential:
        raise Unauthenticated("the API key holds blanks or characters that no key has")
    return credential or None


def _several(*names: str) -> InvalidRequest:
    told = " and ".join(dict.fromkeys(names))
    query = " (?key= is one as well)" if "x-goog-api-key" in names else ""
    return InvalidRequest.of("", f"several credentials at once, in {told}{query}: send one")
