"""Requests as bytes, for clients that stop half-way."""

import orjson
from load.clients import Asked


def request(asked: Asked, *headers: str) -> bytes:
    """That of a chat at the REST door."""
    body = orjson.dumps({"model": asked.model, "messages": asked.messages, "stream": asked.kind == "stream"})
    return head(len(body), *headers) + body


def head(length: int, *headers: str) -> bytes:
    """The head of one whose body has so many bytes."""
    told = [f"content-length: {length}", "content-type: application/json", *headers]
    return "\r\n".join(["POST /v1/chat/completions HTTP/1.1", "host: localhost", *told, "", ""]).encode()
