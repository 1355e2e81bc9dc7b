"""Which names a caller's or a service's metadata may have."""

import re
from functools import lru_cache
from typing import Final

REQUEST_ID: Final = "x-request-id"

_KEY: Final = re.compile(r"[0-9a-z_.-]+")
# HTTP's own: what concerns one connection or one body means nothing beyond it, and HTTP/2 forbids most of it.
_CONNECTIONS: Final = {"connection", "host", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"}
_CONTENTS: Final = {"content-encoding", "content-length", "content-type", "expect", "trailer"}
_REMEMBERED: Final = 256
_RESERVED: Final = frozenset(_CONNECTIONS | _CONTENTS | {"user-agent", REQUEST_ID})


@lru_cache(_REMEMBERED)
def may_name_metadata(key: str) -> bool:
    """Whether `key` has gRPC's form of a key, in lower case, and is neither gRPC's nor HTTP's own."""
    return bool(_KEY.fullmatch(key)) and not key.startswith("grpc-") and key not in _RESERVED
