"""Envoy as a plain reverse proxy, which reads no body: the least that any gateway must do."""

from typing import Final

from bench.peers.envoy import envoy, version
from bench.peers.peer import Peer, Place, Prepared


def _prepare(place: Place) -> Prepared:
    return Prepared((envoy(place, place.upstream),))


ENVOY_PROXY: Final = Peer("envoy_proxy", "Envoy, plain proxy", _prepare, version)
