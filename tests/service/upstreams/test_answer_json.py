"""JSON of upstreams, with a bound on how deep it is."""

import json

import pytest
from modelwire_service.errors import UpstreamProtocolError
from modelwire_service.upstreams.answer_json import MAX_DEPTH, loads

LISTS, OBJECTS = ("[", "]"), ('{"a":', "}")


def nested(depth: int, *brackets: tuple[str, str]) -> bytes:
    """So many levels, of each kind of brackets in turn."""
    levels = [brackets[level % len(brackets)] for level in range(depth)]
    return ("".join(opening for opening, _ in levels) + "0" + "".join(end for _, end in reversed(levels))).encode()


@pytest.mark.parametrize("brackets", [(LISTS,), (OBJECTS,), (LISTS, OBJECTS)])
@pytest.mark.parametrize("beside", ["{}", json.dumps("{[" * 300), json.dumps([{}] * 300)])
def test_json_may_be_so_deep_and_no_deeper(brackets: tuple[tuple[str, str], ...], beside: str) -> None:
    for levels in (1, MAX_DEPTH):
        text = b"[%s,%s]" % (beside.encode(), nested(levels, *brackets))
        assert loads(text) == json.loads(text)
    with pytest.raises(UpstreamProtocolError, match="deep"):
        loads(b"[%s,%s]" % (beside.encode(), nested(MAX_DEPTH + 1, *brackets)))
