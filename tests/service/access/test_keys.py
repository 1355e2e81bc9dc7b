"""The form of keys, and how a given one is recognised."""

from datetime import UTC, datetime, timedelta

import pytest
from modelwire_service.access.caller import Limits
from modelwire_service.access.keys import ApiKey, matches, new_key, parsed

PRESENT = datetime(2026, 6, 1, tzinfo=UTC)


def made(digest: bytes = bytes(32), expires: int | None = None, revoked: bool = False) -> ApiKey:
    """A key that expires `expires` seconds after PRESENT."""
    expires_at = None if expires is None else PRESENT + timedelta(seconds=expires)
    limits = Limits(requests_per_minute=60)
    return ApiKey("abcdefghij", "ci", digest, ("gpt-*",), limits, PRESENT, expires_at, PRESENT if revoked else None)


def test_a_new_key_is_read_as_its_own_id_and_digest() -> None:
    text, key_id, digest = new_key()
    assert parsed(text) == (key_id, digest)
    assert text.startswith(f"mw-{key_id}-")
    assert len(digest) == 32


def test_no_two_keys_are_alike() -> None:
    keys = [new_key() for _ in range(1_000)]
    assert len({text for text, _, _ in keys}) == len({key_id for _, key_id, _ in keys}) == 1_000


def test_a_key_fits_into_a_header_and_a_query_as_it_stands() -> None:
    text, _, _ = new_key()
    assert text.isascii()
    assert text.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: text[:-1],
        lambda text: text + "a",
        lambda text: text.upper(),
        lambda text: f" {text}",
        lambda text: f"{text}\n",
        lambda text: text.replace("mw-", "sk-"),
        lambda text: text[:-1] + "é",
        lambda text: text[:3] + "0" + text[4:],
    ],
    ids=["empty", "short", "long", "upper", "space", "newline", "prefix", "not ascii", "no id"],
)
def test_what_has_not_the_form_of_a_key_is_none(change: object) -> None:
    assert callable(change)
    assert parsed(change(new_key()[0])) is None


def test_a_digest_matches_its_key_alone() -> None:
    _, _, digest = new_key()
    assert matches(made(digest), digest)
    assert not matches(made(digest), new_key()[2])


def test_an_unknown_key_matches_nothing() -> None:
    assert not matches(None, new_key()[2])
    assert not matches(None, bytes(32))


@pytest.mark.parametrize(
    ("key", "usable"),
    [
        (made(), True),
        (made(expires=1), True),
        (made(expires=0), False),
        (made(revoked=True), False),
        (made(expires=1, revoked=True), False),
    ],
)
def test_a_key_is_usable_until_it_expires_or_is_revoked(key: ApiKey, usable: bool) -> None:
    assert key.usable_at(PRESENT) is usable


def test_a_key_shows_no_digest() -> None:
    _, _, digest = new_key()
    assert "digest" not in repr(made(digest))


def test_a_caller_is_who_the_key_says() -> None:
    caller = made().caller()
    assert (caller.id, caller.name, caller.models) == ("abcdefghij", "ci", ("gpt-*",))
    assert caller.limits == Limits(requests_per_minute=60)
