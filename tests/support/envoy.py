"""The real Envoy as a transcoder: a child process with the filter grpc_json_transcoder, on a unix socket.

Where Envoy leaves a choice, it is set to what modelwire does, so that what still differs differs for a reason.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

OPTIONS: dict[str, Any] = {
    "convert_grpc_status": True,
    "query_param_unescape_plus": True,
    "url_unescape_spec": "ALL_CHARACTERS_EXCEPT_SLASH",
    "request_validation_options": {
        "reject_unknown_method": True,
        "reject_unknown_query_parameters": True,
        "reject_binding_body_field_collisions": True,
    },
}
"""The filter's options; all others are Envoy's defaults."""

_TYPES = "type.googleapis.com/envoy.extensions"
_READY = "starting main dispatch loop"


@contextmanager
def running_envoy(envoy: str, folder: Path, image: Path, service: str, target: str) -> Iterator[str]:
    """The address of an Envoy that transcodes for `service`, described in `image`, at the gRPC address `target`.

    Its socket and its configuration are in `folder`.
    """
    socket, config = folder / "envoy.sock", folder / "envoy.json"
    config.write_text(json.dumps(_configuration(socket, image, service, target)))
    with envoy_with(envoy, config):
        yield f"unix:{socket}"


@contextmanager
def envoy_with(envoy: str, config: Path) -> Iterator[None]:
    """An Envoy that serves as the file `config` says until the block ends."""
    command = [envoy, "-c", str(config), "--disable-hot-restart", "--concurrency", "1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace")
    try:
        _wait_until_ready(process)
        yield
    finally:
        process.terminate()
        process.communicate(timeout=30)


def refusal(envoy: str, folder: Path, image: Path, service: str) -> str:
    """Why Envoy would not start with `service` as `image` describes it; empty where it would."""
    config = folder / "envoy.json"
    config.write_text(json.dumps(_configuration(folder / "envoy.sock", image, service, "127.0.0.1:1")))
    command = [envoy, "-c", str(config), "--disable-hot-restart", "--mode", "validate", "--log-level", "critical"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    return ended.stdout + ended.stderr if ended.returncode else ""


def _wait_until_ready(process: "subprocess.Popen[str]") -> None:
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        if _READY in line:
            return
        said.append(line)
    raise RuntimeError(f"Envoy ended with code {process.wait()} after printing {''.join(said)}")


def _configuration(socket: Path, image: Path, service: str, target: str) -> dict[str, Any]:
    transcoder = {"proto_descriptor": str(image), "services": [service], **OPTIONS}
    manager = {
        "stat_prefix": "side_by_side",
        "codec_type": "HTTP1",
        "delayed_close_timeout": "0s",
        "preserve_external_request_id": True,
        "route_config": {"virtual_hosts": [_everything_to_the_cluster()]},
        "http_filters": [
            _extension("filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder", transcoder),
            _extension("filters.http.router.v3.Router", {}),
        ],
    }
    network = "filters.network.http_connection_manager.v3.HttpConnectionManager"
    listener = {
        "name": "front",
        "address": {"pipe": {"path": str(socket)}},
        "filter_chains": [{"filters": [_extension(network, manager)]}],
    }
    return {"static_resources": {"listeners": [listener], "clusters": [_cluster(target)]}}


def _everything_to_the_cluster() -> dict[str, Any]:
    routes = [{"match": {"prefix": "/"}, "route": {"cluster": "service", "timeout": "3s"}}]
    return {"name": "all", "domains": ["*"], "routes": routes}


def _cluster(target: str) -> dict[str, Any]:
    host, _, port = target.rpartition(":")
    protocol = "upstreams.http.v3.HttpProtocolOptions"
    options = {"@type": f"{_TYPES}.{protocol}", "explicit_http_config": {"http2_protocol_options": {}}}
    endpoint = {"address": {"socket_address": {"address": host, "port_value": int(port)}}}
    return {
        "name": "service",
        "typed_extension_protocol_options": {f"envoy.extensions.{protocol}": options},
        "load_assignment": {"cluster_name": "service", "endpoints": [{"lb_endpoints": [{"endpoint": endpoint}]}]},
    }


def _extension(kind: str, config: dict[str, Any]) -> dict[str, Any]:
    return {"name": kind, "typed_config": {"@type": f"{_TYPES}.{kind}", **config}}
