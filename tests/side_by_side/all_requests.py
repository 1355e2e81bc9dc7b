"""Every request of the comparison, each once."""

from side_by_side.answer_requests import error_requests, header_requests, raw_requests, stream_requests
from side_by_side.body_requests import body_requests
from side_by_side.exchange import Request
from side_by_side.path_requests import method_requests, path_requests
from side_by_side.query_requests import query_requests

REQUESTS: tuple[Request, ...] = tuple(
    dict.fromkeys(
        (
            *path_requests(),
            *method_requests(),
            *query_requests(),
            *body_requests(),
            *raw_requests(),
            *stream_requests(),
            *error_requests(),
            *header_requests(),
        )
    )
)
KINDS: tuple[str, ...] = tuple(dict.fromkeys(request.kind for request in REQUESTS))
