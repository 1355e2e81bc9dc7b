"""What a row of the table says: the fault, the call, and what its caller is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from support.callers import Asked, Failure, Kind
from support.loopback import Script

ALL: Sequence[Kind] = ("unary", "stream", "embeddings")
WHOLE: Sequence[Kind] = ("unary", "embeddings")
CHAT: Sequence[Kind] = ("unary", "stream")
UNARY: Sequence[Kind] = ("unary",)
STREAM: Sequence[Kind] = ("stream",)
BOTH = ("openai", "gemini")
QUICK: Mapping[str, object] = {"connect_timeout": 0.2, "first_byte_timeout": 0.2, "idle_timeout": 0.2}
ONE_ATTEMPT: Mapping[str, object] = {"max_attempts": 1}


@dataclass(frozen=True)
class Row:
    """`play` is what the upstream does. `told` is the failure its caller sees, after `texts`; None is a right answer.

    The message of `told` is how the caller's begins. `requests` is how often the upstream was asked; None where the
    fault keeps it from knowing.
    """

    fault: str
    play: Script
    told: Failure | None
    kinds: Sequence[Kind] = CHAT
    upstreams: Sequence[str] = ("openai",)
    texts: tuple[str, ...] = ()
    requests: int | None = 1
    settings: Mapping[str, object] = field(default_factory=dict)
    deadline: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    in_any_words: bool = False
    """Whether only the code counts, because it may be the server's clock or the caller's that tells it."""

    def calls(self) -> list[tuple[str, Kind]]:
        """The kinds of upstreams and calls; what comes to the same for the second kind of upstream is tried once."""
        first, *others = self.upstreams
        return [(first, kind) for kind in self.kinds] + [(other, self.kinds[0]) for other in others]

    def asked(self, kind: Kind) -> Asked:
        return Asked(kind, deadline=self.deadline, headers=self.headers)


def unavailable(message: str, *, reason: str = "UPSTREAM_UNAVAILABLE", retry_after: float | None = None) -> Failure:
    """503: not reached, broken off."""
    return Failure("UNAVAILABLE", message, reason, retry_after, 503, "server_error")


def unreadable(message: str) -> Failure:
    """503: what the upstream answered is not what its API promises."""
    return unavailable(message, reason="UPSTREAM_PROTOCOL_ERROR")


def timed_out(message: str) -> Failure:
    """504: the upstream took longer than configured."""
    return Failure("DEADLINE_EXCEEDED", message, "UPSTREAM_TIMEOUT", None, 504, "timeout_error")


def refused(code: str, http_status: int, error_type: str, message: str, retry_after: float | None = None) -> Failure:
    """The upstream's own error, passed on."""
    return Failure(code, message, "UPSTREAM_REFUSED", retry_after, http_status, error_type)


def busy(message: str, retry_after: float | None = None) -> Failure:
    """429: the upstream's limits."""
    return refused("RESOURCE_EXHAUSTED", 429, "rate_limit_error", message, retry_after)


def down(message: str, retry_after: float | None = None) -> Failure:
    """503: the upstream's own 5xx."""
    return unavailable(message, reason="UPSTREAM_REFUSED", retry_after=retry_after)


def overloaded(message: str, retry_after: float = 1.0) -> Failure:
    """503: more than the server, or it for one upstream, takes."""
    return unavailable(message, reason="OVERLOADED", retry_after=retry_after)


def overdue(message: str = "") -> Failure:
    """504: the time that the call may take is over."""
    return Failure("DEADLINE_EXCEEDED", message, "DEADLINE_EXCEEDED", None, 504, "timeout_error")


def spent(failure: Failure) -> Failure:
    """The same, with word that all tries there are have been made."""
    return replace(failure, should_retry="false")


SILENT = timed_out("the upstream did not begin to answer within 0.2 s")
FELL_SILENT = timed_out("the upstream fell silent for 0.2 s in the middle of its answer")
BROKE = unavailable("the connection to the upstream broke: ")
NO_HTTP = unavailable("the connection to the upstream broke: its connection failed or its answer is not HTTP")
NO_JSON = unreadable("the upstream sent what is not JSON")
BROKE_OFF = unreadable("the upstream's stream ended before its answer did")
