"""What a channel to modelwire is opened with."""

from importlib import resources
from typing import Final

SERVICE_CONFIG: Final = (resources.files("modelwire") / "service_config.json").read_text()
"""gRPC's service config: how long each method may take, and which are tried again."""

MAX_RECEIVED_BYTES: Final = 64 * 2**20
"""The size of the largest message taken. gRPC's own limit, 4 MiB, is less than a thousand vectors of 1,536 take."""

CHANNEL_OPTIONS: Final = (
    ("grpc.service_config", SERVICE_CONFIG),
    ("grpc.max_receive_message_length", MAX_RECEIVED_BYTES),
)
"""The `options` of `grpc.insecure_channel`, `grpc.secure_channel` and those of `grpc.aio`."""
