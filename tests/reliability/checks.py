"""Whether a caller was told what the table says."""

from dataclasses import replace

from reliability.rig import KEY
from support.callers import Failure


def check_failure(
    failure: Failure | None, wanted: Failure, door: str, *, late: bool = False, in_any_words: bool = False
) -> None:
    """The message must begin as the wanted one, and name no host and no key.

    `late` is a failure after the first text, of which REST tells neither a status nor headers: they have gone out.
    With `in_any_words` only the code counts.
    """
    assert failure is not None
    assert KEY not in failure.message
    assert "127.0.0.1" not in failure.message
    assert failure.message.startswith(wanted.message), failure
    if door == "gRPC":
        wanted = replace(wanted, http_status=None, type=None)
    elif late:
        wanted = replace(wanted, retry_after=None, should_retry=None)
    if in_any_words:
        failure = replace(failure, reason=wanted.reason, should_retry=wanted.should_retry)
    assert replace(failure, message=wanted.message) == wanted, (failure, wanted)
