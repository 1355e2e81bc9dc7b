"""Keys in either database."""

from datetime import UTC, datetime, timedelta

import pytest
from modelwire_service.access.caller import Limits
from modelwire_service.access.keys import matches, parsed
from modelwire_service.storage.database import Database
from modelwire_service.storage.errors import KeyNotFound, RowsRefused
from modelwire_service.storage.key_store import KeyStore
from modelwire_service.storage.tables import API_KEYS
from sqlalchemy import select


@pytest.fixture
def keys(database: Database) -> KeyStore:
    return KeyStore(database)


def test_a_key_comes_back_as_it_was_made(keys: KeyStore) -> None:
    limits = Limits(60, 2**40, 3)
    expires_at = datetime(2027, 1, 1, tzinfo=UTC)
    _, made = keys.create("ci", ["gpt-*", "gemini"], limits, expires_at)
    assert keys.all() == [made]
    assert (made.name, made.models, made.limits, made.expires_at) == ("ci", ("gpt-*", "gemini"), limits, expires_at)
    assert abs(made.created_at - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_key_without_anything_may_everything(keys: KeyStore) -> None:
    keys.create("ci")
    (key,) = keys.all()
    assert (key.models, key.limits, key.expires_at, key.revoked_at) == ((), Limits(), None, None)


def test_the_text_of_a_key_is_recognised_and_kept_nowhere(keys: KeyStore, database: Database) -> None:
    text, made = keys.create("ci")
    read = parsed(text)
    assert read is not None
    assert read[0] == made.id
    assert matches(keys.all()[0], read[1])
    with database.reading() as connection:
        rows = connection.execute(select(API_KEYS)).all()
    assert text.removeprefix(f"mw-{made.id}-") not in str(rows)


def test_keys_are_listed_as_they_were_made(keys: KeyStore) -> None:
    made = [keys.create(name)[1] for name in "cab"]
    assert keys.all() == made


@pytest.mark.parametrize("by", ["id", "name"])
def test_a_revoked_key_stays_in_the_list(keys: KeyStore, by: str) -> None:
    _, made = keys.create("ci")
    keys.create("other")
    revoked = keys.revoke(getattr(made, by))
    assert revoked.revoked_at is not None
    assert [key.revoked_at is None for key in keys.all()] == [False, True]
    assert keys.all()[0] == revoked


def test_revoking_twice_changes_nothing(keys: KeyStore) -> None:
    _, made = keys.create("ci")
    revoked = keys.revoke(made.id)
    version = keys.version()
    assert keys.revoke(made.id) == revoked
    assert keys.version() == version


def test_an_unknown_key_is_told(keys: KeyStore) -> None:
    keys.create("ci")
    with pytest.raises(KeyNotFound, match="no key has the id or the name 'c'"):
        keys.revoke("c")


def test_a_name_that_several_keys_have_is_told_with_their_ids(keys: KeyStore) -> None:
    ids = [keys.create("ci")[1].id for _ in range(2)]
    with pytest.raises(KeyNotFound, match=f"2 keys are named 'ci'; give an id: {', '.join(ids)}"):
        keys.revoke("ci")
    keys.revoke(ids[0])
    assert keys.revoke("ci").id == ids[1]


def test_the_version_is_another_after_each_change(keys: KeyStore) -> None:
    versions = [keys.version()]
    _, made = keys.create("ci")
    versions.append(keys.version())
    keys.revoke(made.id)
    versions.append(keys.version())
    assert len(set(versions)) == 3
    assert keys.version() == versions[-1]


def test_a_change_is_seen_by_another_process_at_once(keys: KeyStore, database_url: str) -> None:
    other = Database(database_url)
    seen = KeyStore(other)
    before = seen.version()
    _, made = keys.create("ci")
    assert (seen.version() != before, seen.all()) == (True, [made])
    keys.revoke(made.id)
    assert seen.all()[0].revoked_at is not None
    other.close()


def test_a_refused_change_is_not_counted(keys: KeyStore) -> None:
    version = keys.version()
    with pytest.raises(RowsRefused):
        keys.create(None)  # type: ignore[arg-type]
    assert (keys.version(), keys.all()) == (version, [])
