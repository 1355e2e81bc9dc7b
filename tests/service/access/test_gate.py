"""Who comes in, and what those are told who do not."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from modelwire_service.access.caller import ANYONE
from modelwire_service.access.credentials import Metadata
from modelwire_service.access.gate import AutoGate, Gate, KeyGate, OpenGate, PassThroughGate
from modelwire_service.access.key_table import KeyTable
from modelwire_service.access.keys import ApiKey
from modelwire_service.errors import InvalidRequest, Unauthenticated
from support.clock import Clock
from support.keys import CREATED, Keys, made_key

EXPIRY = CREATED + timedelta(days=30)
TWO_CREDENTIALS = [("authorization", "Bearer a"), ("x-goog-api-key", "b")]


def bearing(text: str) -> Metadata:
    return [("authorization", f"Bearer {text}")]


@pytest.fixture
def clock() -> Clock:
    return Clock(CREATED.timestamp())


@pytest.fixture
def key() -> tuple[str, ApiKey]:
    return made_key(expires_at=EXPIRY)


@pytest.fixture
def keys(key: tuple[str, ApiKey]) -> Keys:
    return Keys(key[1])


@pytest.fixture
async def table(keys: Keys) -> AsyncIterator[KeyTable]:
    table = KeyTable(keys.all, keys.version, period=3600)
    await table.start()
    yield table
    await table.close()


@pytest.mark.parametrize("name", ["authorization", "x-goog-api-key"])
def test_a_valid_key_is_let_in_with_its_models_and_limits(
    name: str, table: KeyTable, key: tuple[str, ApiKey], clock: Clock
) -> None:
    text, kept = key
    value = f"Bearer {text}" if name == "authorization" else text
    caller = KeyGate(table, clock).caller([(name, value)])
    assert (caller.id, caller.name, caller.models, caller.limits) == (kept.id, kept.name, kept.models, kept.limits)
    assert caller.credential is None


def test_a_call_without_a_key_is_told_how_to_send_one(table: KeyTable, clock: Clock) -> None:
    with pytest.raises(Unauthenticated, match="no API key: send it as `Authorization: Bearer KEY`"):
        KeyGate(table, clock).caller(())


def test_an_unknown_key_is_refused_without_a_part_of_it(table: KeyTable, clock: Clock) -> None:
    text, unknown = made_key()
    with pytest.raises(Unauthenticated) as raised:
        KeyGate(table, clock).caller(bearing(text))
    assert unknown.id not in str(raised.value.to_status())


def test_a_wrong_secret_of_a_known_key_is_refused_in_the_words_for_unknown_ones(
    table: KeyTable, key: tuple[str, ApiKey], clock: Clock, keys: Keys
) -> None:
    gate = KeyGate(table, clock)
    messages = set()
    for text in (made_key()[0], key[0][:14] + made_key()[0][14:], "sk-of-another-server"):
        with pytest.raises(Unauthenticated) as raised:
            gate.caller(bearing(text))
        messages.add(raised.value.message)
    assert len(messages) == 1


def test_a_key_expires_at_its_moment_with_the_table_unchanged(
    table: KeyTable, key: tuple[str, ApiKey], clock: Clock
) -> None:
    text, kept = key
    gate = KeyGate(table, clock)
    clock.now = EXPIRY.timestamp() - 0.001
    assert gate.caller(bearing(text)).id == kept.id
    clock.now = EXPIRY.timestamp()
    with pytest.raises(Unauthenticated) as raised:
        gate.caller(bearing(text))
    assert raised.value.message == f"the API key mw-{kept.id}-… expired on 2026-01-31"


async def test_a_revoked_key_is_refused(table: KeyTable, key: tuple[str, ApiKey], clock: Clock, keys: Keys) -> None:
    text, kept = key
    keys.revoke(kept)
    await table.renew()
    with pytest.raises(Unauthenticated) as raised:
        KeyGate(table, clock).caller(bearing(text))
    assert raised.value.message == f"the API key mw-{kept.id}-… was revoked"
    assert text not in str(raised.value.to_status())


@pytest.mark.parametrize("gate", ["keys", "auto", "pass-through"])
def test_two_credentials_are_refused_whatever_they_are_worth(
    gate: str, table: KeyTable, key: tuple[str, ApiKey]
) -> None:
    gates: dict[str, Gate] = {"keys": KeyGate(table), "auto": AutoGate(table), "pass-through": PassThroughGate()}
    with pytest.raises(InvalidRequest, match="authorization and x-goog-api-key"):
        gates[gate].caller([("authorization", f"Bearer {key[0]}"), ("x-goog-api-key", key[0])])


@pytest.mark.parametrize("metadata", [None, (), bearing("anything"), TWO_CREDENTIALS])
def test_an_open_gate_lets_everybody_in(metadata: Metadata | None) -> None:
    assert OpenGate().caller(metadata) is ANYONE


async def test_an_auto_gate_is_open_until_there_is_a_key() -> None:
    keys = Keys()
    table = KeyTable(keys.all, keys.version, period=3600)
    await table.start()
    gate = AutoGate(table)
    assert gate.caller(bearing("anything")) is ANYONE
    text, key = made_key()
    keys.put(key)
    await table.renew()
    with pytest.raises(Unauthenticated):
        gate.caller(())
    assert gate.caller(bearing(text)).id == key.id
    await table.close()


async def test_an_auto_gate_whose_only_key_is_revoked_stays_closed(
    table: KeyTable, key: tuple[str, ApiKey], keys: Keys
) -> None:
    keys.revoke(key[1])
    await table.renew()
    with pytest.raises(Unauthenticated):
        AutoGate(table).caller(())


def test_a_caller_passed_through_has_their_credential_and_an_id_that_does_not_show_it() -> None:
    gate = PassThroughGate()
    caller = gate.caller(bearing("AIza-of-somebody"))
    assert caller.credential == "AIza-of-somebody"
    assert "AIza" not in repr(caller)
    assert caller.id == gate.caller([("x-goog-api-key", "AIza-of-somebody")]).id
    assert caller.id != gate.caller(bearing("AIza-of-another")).id


def test_who_brings_nothing_to_be_passed_through_is_told_what() -> None:
    with pytest.raises(Unauthenticated, match="your own key of the provider"):
        PassThroughGate().caller(())
