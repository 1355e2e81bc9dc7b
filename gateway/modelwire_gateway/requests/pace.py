"""How slowly a request's body may arrive.

That it pauses for too long is for the server to notice. But one that comes in drips never pauses, and would keep its
connection, and the room of what has come, for as good as nothing.
"""

from typing import Final

from modelwire_gateway.errors import failure

FREE_SECONDS: Final = 60.0
LEAST_BYTES_A_SECOND: Final = 1024


def check_pace(size: int, seconds: float) -> None:
    """Raises DEADLINE_EXCEEDED, as 408, if the first `size` bytes of a body were too few for the time they took.

    Each body has a minute, and for as long as it brings a KiB a second on the average, more.
    """
    if seconds > FREE_SECONDS + size / LEAST_BYTES_A_SECOND:
        raise failure(
            "DEADLINE_EXCEEDED",
            f"the request arrived at less than {LEAST_BYTES_A_SECOND} bytes a second",
            http_status=408,
            headers=[("connection", "close")],
        )
