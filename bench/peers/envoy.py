"""Envoy's configuration, and what its two parts in this have in common: one worker, no access log, no timeouts."""

import json
import subprocess
from typing import Any, Final

from bench.peers.peer import TOOLCHAINS, Command, Place, installed

_PROGRAM: Final = TOOLCHAINS / "envoy" / "envoy" / "_bin" / "envoy"
_TYPES: Final = "type.googleapis.com/envoy.extensions"
_MOST: Final = 1_000_000


def envoy(place: Place, target: str, *filters: dict[str, Any], http2: bool = False) -> Command:
    """Envoy before `target`, with `filters` on the way."""
    config = place.folder / "envoy.json"
    manager = {
        "stat_prefix": "bench",
        "route_config": {"virtual_hosts": [_everything()]},
        "http_filters": [*filters, extension("filters.http.router.v3.Router", {})],
        "stream_idle_timeout": "0s",
    }
    network = "filters.network.http_connection_manager.v3.HttpConnectionManager"
    listener = {"address": _address(place.rest), "filter_chains": [{"filters": [extension(network, manager)]}]}
    clusters = [_cluster(target, http2)]
    config.write_text(json.dumps({"static_resources": {"listeners": [listener], "clusters": clusters}}))
    options = ("--disable-hot-restart", "--concurrency", "1", "--log-level", "error")
    return Command((installed(_PROGRAM), "-c", str(config), *options))


def extension(kind: str, config: dict[str, Any]) -> dict[str, Any]:
    """A filter of that kind; its name is its type's."""
    return {"name": kind, "typed_config": {"@type": f"{_TYPES}.{kind}", **config}}


def version() -> str:
    said = subprocess.run([installed(_PROGRAM), "--version"], check=True, capture_output=True, text=True).stdout
    return said.partition("version: ")[2].split("/")[1]


def _everything() -> dict[str, Any]:
    route = {"match": {"prefix": "/"}, "route": {"cluster": "target", "timeout": "0s"}}
    return {"name": "all", "domains": ["*"], "routes": [route]}


def _address(address: str) -> dict[str, Any]:
    host, _, port = address.rpartition(":")
    return {"socket_address": {"address": host, "port_value": int(port)}}


def _cluster(target: str, http2: bool) -> dict[str, Any]:
    most = dict.fromkeys(("max_connections", "max_pending_requests", "max_requests"), _MOST)
    cluster = {
        "name": "target",
        "circuit_breakers": {"thresholds": [most]},
        "load_assignment": {
            "cluster_name": "target",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(target)}}]}],
        },
    }
    if http2:
        protocol = "upstreams.http.v3.HttpProtocolOptions"
        options = {"@type": f"{_TYPES}.{protocol}", "explicit_http_config": {"http2_protocol_options": {}}}
        cluster["typed_extension_protocol_options"] = {f"envoy.extensions.{protocol}": options}
    return cluster
