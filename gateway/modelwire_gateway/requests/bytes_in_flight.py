"""How much of request bodies is held at once, over all requests."""

from modelwire_gateway.errors import failure


class BytesInFlight:
    """Counts the bytes of bodies that are being read or served, and takes no more than `limit` of them."""

    def __init__(self, limit: int) -> None:
        self.count = 0
        self._limit = limit

    def take(self, size: int) -> None:
        """Counts `size` bytes more; raises UNAVAILABLE, as 503, where that is over the limit."""
        if self.count + size > self._limit:
            raise failure(
                "UNAVAILABLE",
                "the server holds as much of requests as it may; try again",
                reason="OVERLOADED",
                headers=[("retry-after", "1"), ("connection", "close")],
            )
        self.count += size

    def give_back(self, size: int) -> None:
        self.count -= size
