"""What is done to a request that was in order.

Each mutation is a function of a request; those that may leave open where the request ends say so (`uncertain`).
"""

import re
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Final

from fuzz.odd_values import (
    FRAMING_HEADERS,
    FRAMING_METHODS,
    ODD_BYTES,
    ODD_CODINGS,
    ODD_HEADERS,
    ODD_JSON,
    ODD_METHODS,
    ODD_QUERIES,
    ODD_SEGMENTS,
    ODD_VERSIONS,
)
from fuzz.requests import Request

Mutation = Callable[[Request, Random], Request]

_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|[][{},:]')


def scrambled(data: bytes, random: Random) -> bytes:
    """Some bytes changed, inserted, cut out, doubled or swapped; never much longer than before."""
    for _ in range(random.choice((1, 1, 2, 5))):
        at, size = random.randint(0, len(data)), random.choice((1, 1, 2, 10, 200))
        piece = data[at : at + size]
        odd = random.choice((random.choice(ODD_BYTES), random.randbytes(size), piece * random.choice((2, 20)), b""))
        data = data[:at] + odd + data[at + random.choice((0, len(piece))) :]
    return data


def body_bytes(request: Request, random: Random) -> Request:
    return replace(request, body=scrambled(request.body, random))


def body_token(request: Request, random: Random) -> Request:
    """Another value, name or sign in the JSON text."""
    body = request.body
    tokens = list(_TOKEN.finditer(body))
    for token in sorted(
        random.sample(tokens, min(len(tokens), random.choice((1, 1, 3)))), key=lambda found: -found.start()
    ):
        odd = random.choice((random.choice(ODD_JSON), random.choice(tokens).group() if tokens else b""))
        body = body[: token.start()] + odd + body[token.end() :]
    return replace(request, body=body)


def body_instead(request: Request, random: Random) -> Request:
    """Another body altogether."""
    noise = random.randbytes(random.choice((1, 100, 20_000)))
    return replace(request, body=random.choice((noise, random.choice(ODD_JSON), random.choice(ODD_JSON) * 3, b"")))


def body_doubled(request: Request, random: Random) -> Request:
    return replace(request, body=request.body + random.choice((b"", b"\n", b" ", b",", b"\r\n\r\n")) + request.body)


def body_cut(request: Request, random: Random) -> Request:
    return replace(request, body=request.body[: random.randint(0, len(request.body))])


def body_coding(request: Request, random: Random) -> Request:
    """The same text in another encoding."""
    text = request.body.decode("latin-1")
    return replace(request, body=text.encode(random.choice(ODD_CODINGS), "replace"))


def body_nested(request: Request, random: Random) -> Request:
    """The body deep inside itself."""
    opening, closing = random.choice(
        ((b'{"child":', b"}"), (b"[", b"]"), (b'{"struct":{"a":', b"}}"), (b'{"value":[', b"]}"))
    )
    depth = random.choice((1, 30, 34, 98, 101, 1000))
    return replace(request, body=opening * depth + request.body + closing * depth)


def body_long(request: Request, random: Random) -> Request:
    """A body beyond the limit, or just within it."""
    size = random.choice((2**20 - 2000, 2**20, 2**20 + 1, 3 * 2**20))
    unit = random.choice((b" ", b"[", b"1,", b'"a",', b"{},", b'"\\u0041",', b"\xff"))
    return replace(request, body=request.body + unit * (size // len(unit)))


def path_segment(request: Request, random: Random) -> Request:
    path, mark, query = request.target.partition(b"?")
    segments = path.split(b"/")
    segments[random.randrange(len(segments))] = random.choice(ODD_SEGMENTS)
    changed = b"/".join(segments) or b"/"
    return replace(request, target=changed + mark + query, uncertain=request.uncertain or _is_no_path(changed))


def path_many(request: Request, random: Random) -> Request:
    path, mark, query = request.target.partition(b"?")
    more = random.choice((b"/", b"/a", b"/%2F", b"/..", b"/:", b"/*")) * random.choice((1, 3, 1000, 15_000))
    return replace(request, target=path + more + mark + query)


def path_bytes(request: Request, random: Random) -> Request:
    path, mark, query = request.target.partition(b"?")
    changed = scrambled(path, random)
    return replace(request, target=changed + mark + query, uncertain=request.uncertain or _is_no_path(changed))


def query_instead(request: Request, random: Random) -> Request:
    path, _, query = request.target.partition(b"?")
    odd = b"&".join(random.choices(ODD_QUERIES, k=random.choice((1, 1, 2, 4))))
    target = path + b"?" + random.choice((odd, query + b"&" + odd))
    return replace(request, target=target, uncertain=request.uncertain or _is_odd(odd))


def query_bytes(request: Request, random: Random) -> Request:
    path, _, query = request.target.partition(b"?")
    changed = scrambled(query, random)
    return replace(request, target=path + b"?" + changed, uncertain=request.uncertain or _is_odd(changed))


def header_odd(request: Request, random: Random) -> Request:
    name, value = random.choice(ODD_HEADERS)
    many = random.choice((1, 1, 1, 2, 40))
    sound = all(0x20 <= byte < 0x7F for byte in name) and b" " not in name and name and len(value) * many < 60_000
    headers = (*request.headers, *[(name, value)] * many)
    return replace(request, headers=headers, uncertain=request.uncertain or not sound)


def header_many(request: Request, random: Random) -> Request:
    name = random.choice((b"grpc-metadata-x-echo-%d", b"x-%d", b"grpc-metadata-x-%d-bin"))
    some = tuple((name % at, b"YQ") for at in range(random.choice((3, 100, 1400))))
    return replace(request, headers=(*request.headers, *some))


def header_framing(request: Request, random: Random) -> Request:
    header = random.choice(FRAMING_HEADERS)
    headers = random.choice(((*request.headers, header), (header, *request.headers)))
    return replace(request, headers=headers, uncertain=True)


def header_bytes(request: Request, random: Random) -> Request:
    headers = [(scrambled(name, random), scrambled(value, random)) for name, value in request.headers[:3]]
    return replace(request, headers=tuple(headers), uncertain=True)


def method_odd(request: Request, random: Random) -> Request:
    return replace(request, method=random.choice(ODD_METHODS))


def method_framing(request: Request, random: Random) -> Request:
    return replace(request, method=random.choice(FRAMING_METHODS), uncertain=True)


def version_odd(request: Request, random: Random) -> Request:
    return replace(request, version=random.choice(ODD_VERSIONS), uncertain=True)


def chunks(request: Request, _: Random) -> Request:
    return replace(request, chunked=not request.chunked)


MUTATIONS: Final[tuple[Mutation, ...]] = (
    body_bytes, body_bytes, body_token, body_token, body_token, body_instead, body_doubled, body_cut, body_coding,
    body_nested, path_segment, path_segment, path_many, path_bytes, query_instead, query_instead, query_instead,
    query_bytes, header_odd, header_odd, header_odd, header_many, header_framing, header_framing, header_bytes,
    method_odd, method_framing, version_odd, chunks,
)  # fmt: skip
"""Named as often as they are likely."""


def mutated(request: Request, random: Random) -> Request:
    """A request with some mutations, often none; a huge body is rare, for its cost."""
    for mutation in random.choices(MUTATIONS, k=random.choice((0, 1, 1, 1, 2, 3))):
        request = mutation(request, random)
    return body_long(request, random) if random.random() < 0.004 else request


def _is_no_path(text: bytes) -> bool:
    return not text.startswith(b"/") or _is_odd(text)


def _is_odd(text: bytes) -> bool:
    """Whether a path or a query has bytes that HTTP parsers differ about."""
    return b"#" in text or any(byte <= 0x20 or byte >= 0x7F for byte in text)
