"""The pages of a list of models (AIP-158).

A token says behind which id the next page begins, so it holds as models come and go, and for any size of page.
"""

import base64
import binascii
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from modelwire_service.errors import InvalidRequest
from modelwire_service.upstreams.base import Model

PAGE_SIZE: Final = 100
MAX_PAGE_SIZE: Final = 1000


def page_of(models: Sequence[Model], size: int, token: str) -> tuple[Sequence[Model], str]:
    """A page of `models` in order of their ids, and the token of the next, "" if there is none.

    Raises InvalidRequest for a negative `size`, and for a `token` that none of these pages gave.
    """
    if size < 0:
        raise InvalidRequest.of("page_size", "must not be negative")
    by_id = sorted(models, key=lambda model: model.id)
    begin = bisect_right(by_id, _id_in(token), key=lambda model: model.id) if token else 0
    end = begin + min(size or PAGE_SIZE, MAX_PAGE_SIZE)
    page = by_id[begin:end]
    return page, _token(page[-1].id) if end < len(by_id) else ""


def _token(last: str) -> str:
    return base64.urlsafe_b64encode(last.encode()).decode("ascii")


def _id_in(token: str) -> str:
    try:
        return base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True).decode()
    except (UnicodeError, binascii.Error):
        raise InvalidRequest.of("page_token", "must be the next_page_token of an earlier page") from None
