"""One call: its time, its route, and the failure that is told when all of them failed."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeVar

from modelwire_service.call_record import CallRecord, current
from modelwire_service.dispatch.attempts import Ask, Sleep, answer_of
from modelwire_service.dispatch.deadlines import answer_by, longest_gap
from modelwire_service.dispatch.guard import Pass, may_be_tried_again
from modelwire_service.dispatch.route import route_of
from modelwire_service.dispatch.waits import Watch, in_time
from modelwire_service.errors import InvalidRequest, ModelNotFound, Overloaded, ServiceError, UpstreamRefused
from modelwire_service.model_catalog import ModelCatalog, Target
from modelwire_service.upstreams.base import Batch, Embeddings, Json, Upstream

Result = TypeVar("Result")


class Dispatcher:
    """Answers calls from the upstreams of a catalog, within the time and for the caller of the call's record.

    Requests are validated; their `model` is the name asked for, and becomes that of the upstream that is asked. The
    record has the model, the upstream and the number of attempts of the answer, or of the failure told. Raises
    ModelNotFound, ModelNotAllowed, Overloaded, DeadlineExceeded and what upstreams raise. `sleep` waits for seconds.
    """

    def __init__(self, catalog: ModelCatalog, *, sleep: Sleep = asyncio.sleep) -> None:
        self._catalog = catalog
        self._sleep = sleep

    def chat(self, request: Json) -> Coroutine[Any, Any, Json]:
        """The whole reply."""
        return self._whole(request, _chat)

    def embed(self, request: Json) -> Coroutine[Any, Any, Embeddings]:
        """The vectors."""
        return self._whole(request, _embed)

    async def stream_chat(self, request: Json) -> AsyncGenerator[Batch]:
        """The batches of a reply. Up to the first nothing is lost by a failure; later ones are raised as they are."""
        record, by = current(), answer_by()
        begun, held = await in_time(self._routed(request, _begin, record, by), by)
        watch = Watch(record.ends_at, longest_gap())
        error: BaseException | None = None
        try:
            async with aclosing(begun.rest) as rest:
                if begun.first is None:
                    return
                record.answered()
                yield begun.first
                watch.begin()
                async for batch in rest:
                    watch.end()
                    yield batch
                    watch.begin()
        except BaseException as raised:
            error = raised
            watch.failed()
            raise
        finally:
            watch.close()
            held.end(error)

    async def _whole(self, request: Json, ask: Ask[Result]) -> Result:
        record, by = current(), answer_by()
        answer, held = await in_time(self._routed(request, ask, record, by), by)
        held.end()
        record.answered()
        return answer

    async def _routed(
        self, request: Json, ask: Ask[Result], record: CallRecord, by: float | None
    ) -> tuple[Result, Pass]:
        failures: list[Failure] = []
        for target in await route_of(request["model"], self._catalog):
            _note(target, record)
            request["model"] = target.model
            try:
                return await answer_of(target, request, ask, record, by=by, sleep=self._sleep)
            except ServiceError as error:
                failures.append(Failure(error, target))
                if not _goes_on(error, first=len(failures) == 1):
                    break
        raise _told(failures, record)


@dataclass(frozen=True, slots=True)
class Failure:
    """What ended the attempts at one upstream."""

    error: ServiceError
    target: Target


def failure_told(failures: list[Failure]) -> Failure:
    """Which of the failures of a route, in order and at least one, the caller learns of: the last that says something.

    The last is the newest, and its Retry-After is the one that still counts. But an upstream that stands in for another
    may not be able to do what was asked, or not know the model: that would tell callers to mend a request that is fine
    where it was meant to go, so the failure before it stands. And an upstream that was not asked at all, for its queue
    or its breaker, says less than one that was.
    """
    first, *others = failures
    of_upstreams = [first, *(failure for failure in others if not _is_about_the_request(failure.error))]
    of_those_asked = [failure for failure in of_upstreams if not isinstance(failure.error, Overloaded)]
    return (of_those_asked or of_upstreams)[-1]


def _told(failures: list[Failure], record: CallRecord) -> ServiceError:
    told = failure_told(failures)
    _note(told.target, record)
    if record.attempts > 1 and may_be_tried_again(told.error):
        told.error.retries_spent = True
    return told.error


def _goes_on(error: ServiceError, *, first: bool) -> bool:
    """Whether the next upstream is asked: where this one cannot have worked on the request, and it is not at fault."""
    if isinstance(error, InvalidRequest | ModelNotFound):
        return not first
    return isinstance(error, Overloaded) or may_be_tried_again(error)


def _is_about_the_request(error: ServiceError) -> bool:
    if isinstance(error, UpstreamRefused):
        return 400 <= error.http_status < 500 and error.http_status != 429
    return isinstance(error, InvalidRequest | ModelNotFound)


def _note(target: Target, record: CallRecord) -> None:
    record.upstream, record.model = target.upstream.name, target.model


@dataclass(frozen=True, slots=True)
class _Begun:
    """A stream, with its first batch; None if it had none."""

    first: Batch | None
    rest: AsyncGenerator[Batch]


async def _begin(upstream: Upstream, request: Json) -> _Begun:
    batches = upstream.stream_chat(request)
    try:
        return _Begun(await anext(batches, None), batches)
    except BaseException:
        await batches.aclose()
        raise


def _chat(upstream: Upstream, request: Json) -> Awaitable[Json]:
    return upstream.chat(request)


def _embed(upstream: Upstream, request: Json) -> Awaitable[Embeddings]:
    return upstream.embed(request)
