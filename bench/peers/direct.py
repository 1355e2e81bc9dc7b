"""No gateway at all: the mock upstream itself, where the others stand."""

import sys
from typing import Final

from bench.peers.peer import Command, Peer, Place, Prepared


def _prepare(place: Place) -> Prepared:
    return Prepared((Command((sys.executable, "-m", "bench.upstream.mock", str(place.rest_port))),))


DIRECT: Final = Peer("direct", "direct to the mock", _prepare, lambda: "")
