"""One call at one upstream: attempts, with waits between them.

What may be tried again is tried again up to the upstream's number of attempts, while its retry budget has something
left, and while the wait before it ends within the call's time. A call holds a place at the upstream during its attempts
alone: who waits to try again is in nobody's way.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Final, TypeVar

from modelwire_service.call_record import CallRecord
from modelwire_service.dispatch.back_off import back_off
from modelwire_service.dispatch.guard import Guard, Pass, is_failure, may_be_tried_again
from modelwire_service.errors import KeysLimited, Overloaded, ServiceError
from modelwire_service.model_catalog import Target
from modelwire_service.upstreams.base import Json, Upstream

_log: Final = logging.getLogger("modelwire.dispatch")

Result = TypeVar("Result")
Ask = Callable[[Upstream, Json], Awaitable[Result]]
Sleep = Callable[[float], Awaitable[object]]


async def answer_of(
    target: Target, request: Json, ask: Ask[Result], record: CallRecord, *, by: float | None, sleep: Sleep
) -> tuple[Result, Pass]:
    """The answer of one upstream, and the pass of the attempt that got it, which whoever takes the answer must end.

    `by` is the end of the call's time, on the running loop's clock. Raises the failure of the last attempt that reached
    the upstream, with `retries_spent` where the budget alone kept it from another.
    """
    guard, failure = target.guard, None
    guard.budget.pay_in()
    for attempt in count(1):
        try:
            return await _attempt(target, request, ask, record)
        except Overloaded as error:
            raise failure or error from None
        except ServiceError as error:
            _tell(target, record, error)
            failure, wait = error, _wait_after(error, attempt, guard, by)
            if wait is None:
                raise
        await sleep(wait)
    raise AssertionError("counting has ended")


async def _attempt(target: Target, request: Json, ask: Ask[Result], record: CallRecord) -> tuple[Result, Pass]:
    held = await target.guard.enter()
    record.attempts += 1
    try:
        answer = await ask(target.upstream, request)
    except BaseException as error:
        if isinstance(error, KeysLimited):
            record.attempts -= 1
        held.end(error)
        raise
    held.answered()
    return answer, held


def _tell(target: Target, record: CallRecord, error: ServiceError) -> None:
    """Logs an attempt that failed by the upstream's fault: the call's own line has the last of them alone."""
    if not is_failure(error):
        return
    fields = {"id": record.id, "upstream": target.upstream.name, "attempt": record.attempts, "error": error.message}
    _log.info("attempt failed", extra={"fields": fields})
    if target.guard.breaker.state == "open":
        _log.warning("upstream left alone for a while", extra={"fields": {"upstream": target.upstream.name}})


def _wait_after(error: ServiceError, attempt: int, guard: Guard, by: float | None) -> float | None:
    """Seconds until the next attempt, None if there is none."""
    if attempt >= guard.policy.attempts or not may_be_tried_again(error) or guard.breaker.state == "open":
        return None
    wait = back_off(attempt, error.retry_after, guard.chance)
    if wait is None or (by is not None and asyncio.get_running_loop().time() + wait >= by):
        return None
    if guard.budget.take():
        return wait
    error.retries_spent = True
    return None
