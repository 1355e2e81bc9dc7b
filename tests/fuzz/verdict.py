"""What is wrong with what a server made of a plan."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from fuzz.answers import HttpAnswer, MalformedAnswerError, read_answers
from fuzz.corpora import SECRET
from fuzz.plans import LAST_ID, Plan

_LEAKS: Final = re.compile(rb'Traceback|File "|\.py\b|site-packages|0x7f[0-9a-f]{8}|://127\.0\.0\.1')
_CREDENTIAL: Final = re.compile(rb"(?:Bearer |key=|api-key: )" + SECRET.encode())
_NO_TIME: Final = re.compile(rb"grpc-timeout", re.IGNORECASE)
_TUNNEL: Final = re.compile(rb"CONNECT")
_BREAKS: Final = (b"/late/", b"/raw/")
"""Paths whose answers may fail half-way and have no way to say so."""


@dataclass(slots=True)
class Outcome:
    """What a plan brought: all that came, whether the connection ended in time, and whether the client left first."""

    received: bytearray = field(default_factory=bytearray)
    ended: bool = False
    left: bool = False
    statuses: list[int] = field(default_factory=list)


def complaints(plan: Plan, outcome: Outcome) -> Iterator[str]:
    """What is wrong, if anything is."""
    if not outcome.ended:
        yield "hang: neither answered nor closed in time"
    try:
        answers = list(read_answers(bytes(outcome.received), plan.methods))
    except MalformedAnswerError as error:
        if not _may_be_to_head(plan):
            yield f"malformed: {error}"
        return
    outcome.statuses.extend(answer.status for answer in answers)
    for answer in answers:
        yield from _about(answer, plan)
        if not answer.whole and not outcome.left and not _may_break(plan):
            yield f"broken off: {answer.status} after {len(answer.body)} bytes"
    if plan.methods is not None and outcome.ended:
        yield from _missing(answers, plan.methods)


def _may_be_to_head(plan: Plan) -> bool:
    """Whether answers may lack the body that their heads speak of, and nobody knows which of them."""
    return plan.methods is None and b"HEAD" in plan.sent


def _may_break(plan: Plan) -> bool:
    return _may_be_to_head(plan) or any(path in plan.sent for path in _BREAKS)


def _about(answer: HttpAnswer, plan: Plan) -> Iterator[str]:
    if answer.status >= 500 and not _is_explained(answer.status, plan.sent):
        yield f"status {answer.status}: {answer.body[:300]!r}"
    if answer.status >= 400 and answer.whole and answer.body and not (_may_be_to_head(plan) or _is_preflight(answer)):
        yield from _error_shape(answer)
    if answer.status >= 400:
        yield from _leaks(answer, plan.sent)


def _is_preflight(answer: HttpAnswer) -> bool:
    """Whether it refuses a preflight request, which browsers show to nobody: that is starlette's own answer."""
    return answer.status == 400 and answer.body.startswith(b"Disallowed CORS ")


def _is_explained(status: int, sent: bytes) -> bool:
    """504 is what a deadline of the caller's own brings, 501 what a tunnel does."""
    pattern = {504: _NO_TIME, 501: _TUNNEL}.get(status)
    return pattern is not None and pattern.search(sent) is not None


def _error_shape(answer: HttpAnswer) -> Iterator[str]:
    try:
        error = json.loads(answer.body)["error"]
        shaped = error["code"] == answer.status and isinstance(error["message"], str) and error["status"].isupper()
    except (ValueError, KeyError, TypeError):
        shaped = False
    if not shaped or answer.headers.get("content-type") != "application/json":
        yield f"not an error as ours are: {answer.status} {answer.body[:300]!r}"


def _leaks(answer: HttpAnswer, sent: bytes) -> Iterator[str]:
    if (found := _LEAKS.search(answer.body)) and found.group() not in sent:
        yield f"tells too much: {found.group()!r} in {answer.body[:300]!r}"
    if SECRET.encode() in answer.body and sent.count(SECRET.encode()) == len(_CREDENTIAL.findall(sent)):
        yield f"tells a credential: {answer.body[:300]!r}"


def _missing(answers: Sequence[HttpAnswer], methods: Sequence[str]) -> Iterator[str]:
    """One answer for each request, the last of them to the last; fewer only where one said that it closes."""
    if len(answers) < len(methods):
        if not answers or not answers[-1].closes:
            yield f"{len(answers)} answers to {len(methods)} requests, and no word of closing"
        return
    if len(answers) > len(methods):
        yield f"{len(answers)} answers to {len(methods)} requests"
    last = answers[-1]
    if last.status != 200 or last.headers.get("x-request-id") != LAST_ID:
        yield f"the last request, which was in order, got {last.status} {last.headers}: {last.body[:300]!r}"
