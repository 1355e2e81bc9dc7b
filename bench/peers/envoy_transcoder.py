"""Envoy's filter grpc_json_transcoder in front of `modelwire serve --no-http`, both on the one core.

What our own gateway replaces: the same contract, the same service, with REST made by Envoy.
"""

from pathlib import Path
from typing import Final

import modelwire
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from bench.peers.envoy import envoy, extension, version
from bench.peers.modelwire import served
from bench.peers.peer import Peer, Place, Prepared

_OPTIONS: Final = {"convert_grpc_status": True, "print_options": {"preserve_proto_field_names": True}}


def _prepare(place: Place) -> Prepared:
    behind = served(place, "--no-http", "--grpc-address", place.grpc)
    image = Path(modelwire.__path__[0]) / "protos.binpb"
    files = FileDescriptorSet.FromString(image.read_bytes()).file
    services = [f"{file.package}.{service.name}" for file in files for service in file.service]
    transcoder = {"proto_descriptor": str(image), "services": services, **_OPTIONS}
    front = extension("filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder", transcoder)
    return Prepared((*behind.commands, envoy(place, place.grpc, front, http2=True)), behind.headers)


ENVOY_TRANSCODER: Final = Peer("envoy_transcoder", "Envoy transcoder + our gRPC", _prepare, version)
