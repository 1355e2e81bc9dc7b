"""From which address a call came."""

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import unquote

FORWARDED_FOR: Final = "x-forwarded-for"
_IN_PROCESS: Final = "local:"


def client_address(peer: str, metadata: Iterable[tuple[str, Any]]) -> str:
    """The client's address: of gRPC's `peer`, or what the gateway in this process says of a call over REST.

    Nobody else is believed; the address of a socket file is none. See
    https://grpc.github.io/grpc/core/md_doc_naming.html for the forms of `peer`.
    """
    if peer.startswith(_IN_PROCESS):
        for key, value in metadata:
            if key == FORWARDED_FOR:
                return str(value)
        return ""
    scheme, _, rest = peer.partition(":")
    if scheme == "ipv4":
        return rest.rpartition(":")[0]
    if scheme == "ipv6":
        return unquote(rest).rpartition(":")[0].strip("[]").removeprefix("::ffff:")
    return ""
