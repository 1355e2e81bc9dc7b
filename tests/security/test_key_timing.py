"""How long a refusal takes says nothing of the keys there are.

What is compared is work, not time. A test of times on a busy machine would either fail now and then, or allow for so
much that it finds nothing: two comparisons of 32 bytes differ by nanoseconds, two calls of a server by microseconds. So
whatever has the form of a key must lead through the same lines of code, once and in the same order, to a comparison
which the standard library makes in constant time.
"""

import hmac
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from modelwire_service.access import gate, key_table, keys
from modelwire_service.access.gate import KeyGate
from modelwire_service.access.key_table import KeyTable
from modelwire_service.errors import Unauthenticated
from support.keys import Keys, made_key

MODULES = {module.__file__ for module in (gate, key_table, keys)}
Work = list[tuple[str, int | str]]


@pytest.fixture
async def known() -> tuple[KeyTable, str]:
    """A table of two keys, and the text of one of them."""
    (text, key), (_, other) = made_key("first"), made_key("other")
    store = Keys(key, other)
    table = KeyTable(store.all, store.version)
    await table.renew()
    await table.close()
    return table, text


def work_of(act: Callable[[], Any]) -> Work:
    """The lines of the modules of keys that `act` leads through, and the functions written in C that they call."""
    work: Work = []

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename not in MODULES:
            return None
        if event == "line":
            work.append((frame.f_code.co_name, frame.f_lineno))
        return trace

    def profile(frame: FrameType, event: str, called: Any) -> None:
        if event == "c_call" and frame.f_code.co_filename in MODULES:
            work.append((frame.f_code.co_name, called.__name__))

    tracing, profiling = sys.gettrace(), sys.getprofile()
    sys.settrace(trace)
    sys.setprofile(profile)
    try:
        act()
    finally:
        sys.setprofile(profiling)
        sys.settrace(tracing)
    return [step for step in work if step[1] != "setprofile"]


def altered(text: str, at: int) -> str:
    return f"{text[:at]}{'b' if text[at] == 'a' else 'a'}{text[at + 1 :]}"


ALTERED = {"id": 5, "first of the secret": 14, "middle of the secret": 35, "last but one of the secret": -2}


@pytest.mark.parametrize("where", ALTERED)
async def test_a_wrong_key_is_as_much_work_as_the_right_one(where: str, known: tuple[KeyTable, str]) -> None:
    table, text = known
    wrong = altered(text, ALTERED[where])
    assert (table.find(text) is None, table.find(wrong) is None) == (False, True)
    right = work_of(lambda: table.find(text))
    assert work_of(lambda: table.find(wrong)) == right
    assert [name for _, name in right].count(hmac.compare_digest.__name__) == 1


async def test_how_much_of_a_secret_fits_changes_no_refusal(known: tuple[KeyTable, str]) -> None:
    table, text = known
    asked = KeyGate(table)

    def refused(key: str) -> str:
        with pytest.raises(Unauthenticated) as raised:
            asked.caller([("x-goog-api-key", key)])
        return raised.value.message

    wrong = [altered(text, at) for at in ALTERED.values()]
    assert len({refused(key) for key in wrong}) == 1
    assert all(work_of(lambda key=key: refused(key)) == work_of(lambda: refused(wrong[0])) for key in wrong)  # type: ignore[misc]
