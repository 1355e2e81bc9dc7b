"""Every peer, in the order of the report's columns."""

from typing import Final

from bench.peers.bare_proxy import BARE_PROXY
from bench.peers.direct import DIRECT
from bench.peers.envoy_proxy import ENVOY_PROXY
from bench.peers.envoy_transcoder import ENVOY_TRANSCODER
from bench.peers.grpc_canned import GRPC_CANNED
from bench.peers.grpc_echo import GRPC_ECHO
from bench.peers.litellm import LITELLM
from bench.peers.modelwire import MODELWIRE
from bench.peers.peer import Peer
from bench.peers.portkey import PORTKEY

PEERS: Final[dict[str, Peer]] = {
    peer.name: peer
    for peer in (DIRECT, MODELWIRE, ENVOY_PROXY, ENVOY_TRANSCODER, PORTKEY, LITELLM, BARE_PROXY, GRPC_ECHO, GRPC_CANNED)
}
