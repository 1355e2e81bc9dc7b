"""Which content coding a request asks for (RFC 9110, section 12.5.3)."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from modelwire_gateway.content_types import weighed

Coding = Literal["zstd", "gzip"]

# Of those a request likes equally, the first is taken.
_CODINGS: Final[tuple[Coding, ...]] = ("zstd", "gzip")
_OTHER_NAMES: Final = {"x-gzip": "gzip"}


@dataclass(frozen=True, slots=True)
class Wish:
    """A coding that is asked for, and whether the request refuses an answer without any."""

    coding: Coding
    identity_refused: bool


@lru_cache(maxsize=64)
def wished_coding(accept_encoding: str) -> Wish | None:
    """The coding wished most by the value of an Accept-Encoding header; None for an answer as it is.

    A weight that cannot be read is one of 0. No coding at all, and one that is not known here, ask for nothing.
    """
    weights = {_OTHER_NAMES.get(name, name): weight for name, weight in weighed(accept_encoding).items()}
    others = weights.get("*", 0.0)
    coding = max(_CODINGS, key=lambda name: weights.get(name, others))
    weight = weights.get(coding, others)
    # Not named, it is taken where nothing else can be, but wished less than whatever is named.
    identity = weights.get("identity", weights.get("*"))
    if not weight or (identity is not None and identity > weight):
        return None
    return Wish(coding, identity == 0.0)
