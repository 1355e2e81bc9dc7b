"""Requests and answers of HTTP, and how one becomes the other over a connection of its own."""

from dataclasses import dataclass, field

from support.raw_http import connected

Headers = tuple[tuple[str, str], ...]

JSON: Headers = (("content-type", "application/json"),)


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it is sent, byte for byte. `body` None is no body, which is not an empty one."""

    kind: str
    """What it is about: the requests are counted by it."""
    method: str
    target: str
    """Path and query, encoded."""
    headers: Headers = ()
    body: bytes | None = None

    def __str__(self) -> str:
        body = "" if self.body is None else f" {self.body[:60]!r}"
        headers = "" if self.headers in ((), JSON) else f" {dict(self.headers)}"
        return f"{self.kind}: {self.method} {self.target[:100]}{headers}{body}"

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    @property
    def content_type(self) -> str | None:
        return dict(self.headers).get("content-type")

    def encoded(self, request_id: str) -> bytes:
        lines = [f"{self.method} {self.target} HTTP/1.1", "host: localhost", "connection: close"]
        lines += [f"{name}: {value}" for name, value in (("x-request-id", request_id), *self.headers)]
        if self.body is not None:
            lines.append(f"content-length: {len(self.body)}")
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (self.body or b"")


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; the values of a header that came several times are joined with a comma."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    whole: bool = True
    """Whether the body came to its end, and did not break off."""

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")


async def answer(address: str, request: Request, request_id: str) -> Response:
    """What the server at `address` answers to `request`."""
    async with connected(address) as client:
        await client.send(request.encoded(request_id))
        received = await client.rest()
    head, end, rest = received.partition(b"\r\n\r\n")
    assert end, f"{address} broke off at the head of its answer to {request}: {head!r}"
    status_line, *lines = head.decode("latin-1").split("\r\n")
    headers: dict[str, str] = {}
    for line in lines:
        name, value = line.lower().split(":", 1)[0], line.split(":", 1)[1].strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    body, whole = _body(request, headers, rest)
    return Response(int(status_line.split()[1]), headers, body, whole)


def _body(request: Request, headers: dict[str, str], rest: bytes) -> tuple[bytes, bool]:
    if request.method == "HEAD":
        return rest, not rest
    if headers.get("transfer-encoding") != "chunked":
        return rest, len(rest) == int(headers.get("content-length", len(rest)))
    body = b""
    while (line := rest.partition(b"\r\n"))[1]:
        size = int(line[0], 16)
        if not size:
            return body, True
        body, rest = body + line[2][:size], line[2][size + 2 :]
    return body, False
