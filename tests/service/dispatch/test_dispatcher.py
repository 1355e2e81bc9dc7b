"""What becomes of a call: who is asked, how often, after which waits, and what its caller is told."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from modelwire_service.access.caller import Caller
from modelwire_service.call_record import CallRecord, begin
from modelwire_service.dispatch.breaker import FAILURES_IN_A_ROW
from modelwire_service.dispatch.deadlines import TimeLimits, limit
from modelwire_service.dispatch.dispatcher import Dispatcher
from modelwire_service.dispatch.guard import PLAIN, Guard, Policy
from modelwire_service.dispatch.retry_budget import MOST
from modelwire_service.errors import (
    DeadlineExceeded,
    InvalidRequest,
    ModelNotAllowed,
    ModelNotFound,
    Overloaded,
    ServiceError,
    UpstreamProtocolError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from modelwire_service.model_catalog import ModelCatalog, Served
from modelwire_service.upstreams.base import Embeddings, Json, Model
from modelwire_service.upstreams.text_runs import chunks_in


def refused(status: int, wait: float | None = None) -> Callable[[], ServiceError]:
    return lambda: UpstreamRefused(f"status {status}", http_status=status, retry_after=wait)


ERRORS: dict[str, Callable[[], ServiceError]] = {
    "429": refused(429),
    "429 wait 2": refused(429, 2.0),
    "429 wait 60": refused(429, 60.0),
    **{str(status): refused(status) for status in (302, 400, 401, 404, 500, 501, 502, 503, 504, 529)},
    "not sent": lambda: UpstreamUnavailable("not reached", sent=False),
    "sent": lambda: UpstreamUnavailable("broke", sent=True),
    "timeout": lambda: UpstreamTimeout("silent"),
    "protocol": lambda: UpstreamProtocolError("garbage"),
    "invalid": lambda: InvalidRequest.of("n", "too many"),
    "unknown": lambda: ModelNotFound("m", []),
}


@dataclass
class Scripted:
    """An upstream whose calls end as `script` says, in turn: `ok`, `hang`, or one of ERRORS. Streams may later."""

    name: str
    script: list[str]
    asked: int = 0
    seen: list[str] = field(default_factory=list)
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def list_models(self) -> list[Model]:
        return [Model("m")]

    async def chat(self, request: Json) -> Json:
        await self._next(request)
        return {"from": self.name}

    async def embed(self, request: Json) -> Embeddings:
        await self._next(request)
        return Embeddings([], self.name)

    async def stream_chat(self, request: Json) -> AsyncGenerator[list[Json]]:
        try:
            script = (await self._next(request)).partition(" then ")[2]
            yield [{"from": self.name}]
            await self._do(script or "ok")
            yield [{"last": True}]
        finally:
            self.left.set()

    async def _next(self, request: Json) -> str:
        self.seen.append(request["model"])
        self.asked += 1
        said = self.script.pop(0) if self.script else "ok"
        await self._do(said.partition(" then ")[0])
        return said

    async def _do(self, said: str) -> None:
        if said == "hang":
            self.entered.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.left.set()
        elif said != "ok":
            raise ERRORS[said]()


class Bench:
    """A dispatcher over scripted upstreams `a`, `b` …, tried in that order; waits are noted, and take no time."""

    def __init__(self, *scripts: str | list[str], policy: Policy = PLAIN) -> None:
        given = [script.split(", ") if isinstance(script, str) else script for script in scripts]
        self.upstreams = [Scripted(name, script) for name, script in zip("abc", given, strict=False)]
        self.now = 0.0
        self.guards = [Guard(policy, clock=lambda: self.now, chance=lambda: 0.5) for _ in given]
        served = [Served(up, weight=1, guard=guard) for up, guard in zip(self.upstreams, self.guards, strict=True)]
        self.slept: list[float] = []
        self.dispatcher = Dispatcher(ModelCatalog(served, lambda: 0.0), sleep=self._sleep)
        self.record = CallRecord("id", "rpc")
        begin(self.record)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def chat(self) -> Any:
        return (await self.dispatcher.chat({"model": "m"}))["from"]

    async def embed(self) -> Any:
        return (await self.dispatcher.embed({"model": "m"})).model

    async def stream(self) -> Any:
        batches = [list(chunks_in(batch)) async for batch in self.dispatcher.stream_chat({"model": "m"})]
        assert batches[1:] == [[{"last": True}]]
        return batches[0][0]["from"]

    @property
    def asked(self) -> list[int]:
        return [upstream.asked for upstream in self.upstreams]


@pytest.fixture(params=["chat", "embed", "stream"])
def way(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


ANSWERED: dict[str, tuple[list[str], str, list[int], list[float]]] = {
    "at once": (["ok"], "a", [1], []),
    "at the third attempt": (["503, 503, ok"], "a", [3], [0.125, 0.25]),
    "after the wait that was told": (["429 wait 2, ok"], "a", [2], [2.1]),
    "by the next, after all attempts": (["not sent, not sent, not sent", "ok"], "b", [3, 1], [0.125, 0.25]),
    "by the next at once, where the wait is long": (["429 wait 60", "ok"], "b", [1, 1], []),
    "by the last": (["502, 502, 502", "504, 504, 504", "503, ok"], "c", [3, 3, 2], [0.125, 0.25] * 2 + [0.125]),
    "by the last, where another cannot do it": (["503, 503, 503", "invalid", "ok"], "c", [3, 1, 1], [0.125, 0.25]),
}


@pytest.mark.parametrize("case", ANSWERED)
async def test_a_call_is_answered(case: str, way: str) -> None:
    scripts, answered_by, asked, slept = ANSWERED[case]
    bench = Bench(*scripts)
    assert await getattr(bench, way)() == answered_by
    assert (bench.asked, bench.slept) == (asked, slept)
    record = bench.record
    assert (record.upstream, record.model, record.attempts) == (answered_by, "m", sum(asked))
    assert record.first_token_ms is not None


TOLD: dict[str, tuple[list[str], str, list[int], bool]] = {
    "the last of all attempts": (["429, 502, 503"], "503", [3], True),
    "the last of the route": (["503, 503, 503", "504, 504, 504"], "504", [3, 3], True),
    "a wait that is too long": (["429 wait 60"], "429 wait 60", [1], False),
    "what may have been worked on": (["sent", "ok"], "sent", [1, 0], False),
    "a stalled one": (["timeout", "ok"], "timeout", [1, 0], False),
    "garbage": (["protocol", "ok"], "protocol", [1, 0], False),
    "an error of the upstream's own": (["500", "ok"], "500", [1, 0], False),
    "an overload it has no standard word for": (["529", "ok"], "529", [1, 0], False),
    "a redirect": (["302", "ok"], "302", [1, 0], False),
    "a request at fault": (["400", "ok"], "400", [1, 0], False),
    "a request the upstream cannot do": (["invalid", "ok"], "invalid", [1, 0], False),
    "a refused key": (["401", "ok"], "401", [1, 0], False),
    "one that may not be tried again after one that may": (["503, sent", "ok"], "sent", [2, 0], False),
    "the first, where the next cannot do it": (["503, 503, 503", "invalid"], "503", [3, 1], True),
    "the first, where the next does not know it": (["503, 503, 503", "404"], "503", [3, 1], True),
    "the first, where the next has no key": (["not sent, not sent, not sent", "401"], "not sent", [3, 1], True),
    "a stalled stand-in": (["503, 503, 503", "timeout"], "timeout", [3, 1], False),
}


@pytest.mark.parametrize("case", TOLD)
async def test_a_failure_is_told(case: str, way: str) -> None:
    scripts, told, asked, spent = TOLD[case]
    bench = Bench(*scripts)
    expected = ERRORS[told]()
    with pytest.raises(type(expected)) as raised:
        await getattr(bench, way)()
    error = raised.value
    assert isinstance(error, ServiceError)
    assert (error.message, error.retry_after, error.retries_spent) == (expected.message, expected.retry_after, spent)
    assert (bench.asked, bench.record.attempts) == (asked, sum(asked))
    assert bench.record.first_token_ms is None


async def test_the_record_has_the_upstream_whose_failure_is_told() -> None:
    bench = Bench("503, 503, 503", "404")
    with pytest.raises(UpstreamRefused):
        await bench.chat()
    assert bench.record.upstream == "a"


async def test_one_attempt_alone_leaves_trying_again_to_the_caller() -> None:
    bench = Bench("503", policy=Policy(attempts=1))
    with pytest.raises(UpstreamRefused) as raised:
        await bench.chat()
    assert not raised.value.retries_spent
    assert bench.asked == [1]


@pytest.mark.parametrize("later", ["503", "sent", "timeout"])
async def test_nothing_is_tried_again_once_a_stream_has_begun(later: str) -> None:
    bench = Bench(f"ok then {later}", "ok")
    with pytest.raises(type(ERRORS[later]())):
        await bench.stream()
    assert bench.asked == [1, 0]


async def test_an_outage_is_not_multiplied_and_its_end_is_told_to_callers() -> None:
    bench = Bench(["503"] * 1000)
    bench.guards[0].breaker.failed = lambda era: None  # type: ignore[method-assign]
    for call in range(50):
        begin(CallRecord(str(call), "rpc"))
        with pytest.raises(UpstreamRefused) as raised:
            await bench.chat()
        assert raised.value.retries_spent
    assert 50 + MOST <= bench.asked[0] <= 50 + MOST + 10


async def test_an_upstream_that_fails_all_the_time_is_left_alone_until_a_probe_succeeds(way: str) -> None:
    bench = Bench(["timeout"] * FAILURES_IN_A_ROW)
    for _ in range(FAILURES_IN_A_ROW):
        with pytest.raises(UpstreamTimeout):
            await getattr(bench, way)()
    with pytest.raises(Overloaded) as raised:
        await getattr(bench, way)()
    assert (bench.asked, raised.value.retry_after, raised.value.retries_spent) == ([5], 1.5, False)
    bench.now += 1.5
    for _ in range(2):
        assert await getattr(bench, way)() == "a"


async def test_its_failure_is_told_where_the_breaker_ends_the_attempts() -> None:
    bench = Bench("timeout, timeout, timeout, timeout, 503")
    for _ in range(FAILURES_IN_A_ROW - 1):
        with pytest.raises(UpstreamTimeout):
            await bench.chat()
    with pytest.raises(UpstreamRefused):
        await bench.chat()
    assert (bench.asked, bench.slept) == ([5], [])


async def test_its_failure_is_told_where_there_is_no_place_for_the_next_attempt() -> None:
    bench = Bench("503, hang", policy=Policy(concurrent=1, queued=0))
    others: list[asyncio.Task[Any]] = []

    async def sleep(seconds: float) -> None:
        others.append(asyncio.create_task(bench.chat()))
        await bench.upstreams[0].entered.wait()

    with pytest.raises(UpstreamRefused):
        await Dispatcher(bench.dispatcher._catalog, sleep=sleep).chat({"model": "m"})
    others[0].cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def test_others_are_asked_at_once_meanwhile() -> None:
    bench = Bench(["timeout"] * FAILURES_IN_A_ROW)
    for _ in range(FAILURES_IN_A_ROW):
        with pytest.raises(UpstreamTimeout):
            await bench.chat()
    both = Bench("ok", "ok")
    both.guards[0].breaker.__dict__.update(bench.guards[0].breaker.__dict__)
    assert (await both.chat(), both.asked, both.slept) == ("b", [0, 1], [])


@pytest.mark.parametrize("error", ["429", "400", "401", "404", "501", "invalid"])
async def test_who_refuses_a_request_works(error: str) -> None:
    bench = Bench([error] * 30, policy=Policy(attempts=1))
    for _ in range(30):
        with pytest.raises(type(ERRORS[error]())):
            await bench.chat()
    assert bench.guards[0].breaker.state == "closed"


async def test_who_leaves_proves_nothing_and_frees_the_probe(way: str) -> None:
    bench = Bench(["timeout"] * FAILURES_IN_A_ROW + ["hang"])
    for _ in range(FAILURES_IN_A_ROW):
        with pytest.raises(UpstreamTimeout):
            await getattr(bench, way)()
    bench.now += 1.5
    await left(bench, getattr(bench, way))
    assert bench.guards[0].breaker.state == "half-open"
    assert await getattr(bench, way)() == "a"


async def left(bench: Bench, way: Callable[[], Any]) -> None:
    """A call whose caller leaves while the first upstream hangs."""
    call = asyncio.create_task(way())
    await bench.upstreams[0].entered.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert bench.upstreams[0].left.is_set()


LIMITED = Policy(concurrent=1, queued=1)


async def test_calls_beyond_what_an_upstream_takes_wait_or_are_refused(way: str) -> None:
    bench = Bench("hang", policy=LIMITED)
    call = getattr(bench, way)
    running = asyncio.create_task(call())
    await bench.upstreams[0].entered.wait()
    waiting = asyncio.create_task(call())
    admission = bench.guards[0].admission
    assert admission is not None
    for _ in range(9):
        await asyncio.sleep(0)
    assert admission.waiting == 1
    with pytest.raises(Overloaded, match="the upstream"):
        await call()
    running.cancel()
    assert await waiting == "a"
    assert (admission.running, admission.waiting) == (0, 0)


async def test_a_stream_keeps_its_place_to_its_end() -> None:
    bench = Bench("ok then hang", "ok", policy=Policy(concurrent=1, queued=0))
    stream = bench.dispatcher.stream_chat({"model": "m"})
    await anext(stream)
    assert await bench.chat() == "b"
    await stream.aclose()
    assert bench.upstreams[0].left.is_set()
    assert await bench.chat() == "a"


@pytest.mark.parametrize("script", ["503, 503, 503", "invalid", "ok", "timeout", "ok then sent"])
async def test_a_place_is_given_back_however_a_call_ends(script: str, way: str) -> None:
    bench = Bench(script, policy=LIMITED)
    await asyncio.gather(getattr(bench, way)(), return_exceptions=True)
    admission = bench.guards[0].admission
    assert admission is not None
    assert (admission.running, admission.waiting) == (0, 0)


def in_seconds(seconds: float) -> TimeLimits:
    by = asyncio.get_running_loop().time() + seconds
    return TimeLimits(by, by)


async def test_a_call_ends_in_time_whatever_hangs(way: str) -> None:
    bench = Bench("503, hang", "ok")
    limit(in_seconds(0.3))
    with pytest.raises(DeadlineExceeded) as raised:
        await getattr(bench, way)()
    assert raised.value.retries_spent
    assert (bench.asked, bench.upstreams[0].left.is_set()) == ([2, 0], True)


async def test_a_stream_ends_in_time_after_it_has_begun() -> None:
    bench = Bench("ok then hang")
    limit(in_seconds(0.05))
    with pytest.raises(DeadlineExceeded):
        await bench.stream()
    assert bench.upstreams[0].left.is_set()
    assert bench.guards[0].breaker.state == "closed"


async def test_the_time_for_the_first_is_not_that_of_the_stream() -> None:
    bench = Bench("ok then hang")
    now = asyncio.get_running_loop().time()
    limit(TimeLimits(now + 60, now + 0.02))
    stream = bench.dispatcher.stream_chat({"model": "m"})
    await anext(stream)
    rest = asyncio.ensure_future(anext(stream))
    await bench.upstreams[0].entered.wait()
    done, _ = await asyncio.wait([rest], timeout=0.1)
    assert not done
    rest.cancel()
    await asyncio.gather(rest, return_exceptions=True)


async def test_a_wait_that_would_outlast_the_call_is_not_begun(way: str) -> None:
    bench = Bench("429 wait 2", "ok")
    limit(in_seconds(1.5))
    assert await getattr(bench, way)() == "b"
    assert (bench.asked, bench.slept) == ([1, 1], [])


async def test_the_wait_for_a_place_takes_from_the_calls_time() -> None:
    bench = Bench("hang", policy=LIMITED)
    running = asyncio.create_task(bench.chat())
    await bench.upstreams[0].entered.wait()
    limit(in_seconds(0.02))
    with pytest.raises(DeadlineExceeded):
        await bench.chat()
    assert bench.asked == [1]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_who_leaves_during_a_back_off_just_leaves() -> None:
    bench, sleeping = Bench("503"), asyncio.Event()

    async def sleep(seconds: float) -> None:
        sleeping.set()
        await asyncio.Event().wait()

    call = asyncio.create_task(Dispatcher(bench.dispatcher._catalog, sleep=sleep).chat({"model": "m"}))
    await sleeping.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert bench.asked == [1]


@pytest.mark.parametrize(
    ("globs", "asked"),
    [((), "a"), (("m",), "a"), (("models/m",), "a"), (("b/*",), "b"), (("x", "b/m"), "b")],
)
async def test_a_call_goes_to_what_its_caller_may_use(globs: tuple[str, ...], asked: str) -> None:
    bench = Bench("ok", "ok")
    begin(CallRecord("id", "rpc", Caller(models=globs)))
    assert await bench.chat() == asked


@pytest.mark.parametrize("name", ["m", "a/m", "models/m", "nothing"])
async def test_what_a_caller_may_not_use_is_refused_whether_it_is_there_or_not(name: str) -> None:
    bench = Bench("ok")
    begin(CallRecord("id", "rpc", Caller(models=("gpt-*",))))
    with pytest.raises(ModelNotAllowed):
        await bench.dispatcher.chat({"model": name})
    assert bench.asked == [0]


async def test_a_model_nobody_serves_is_told_to_who_may_use_it() -> None:
    bench = Bench("ok")
    begin(CallRecord("id", "rpc", Caller(models=("gpt-*",))))
    with pytest.raises(ModelNotFound) as raised:
        await bench.dispatcher.chat({"model": "gpt-9"})
    assert "m" not in raised.value.message.split("Did you mean")[1:]


class Erratic(Scripted):
    """An upstream that does anything, after a random number of turns of the loop."""

    def __init__(self, name: str, random: Random) -> None:
        super().__init__(name, [])
        self.random = random
        self.running = 0

    async def _do(self, said: str) -> None:
        self.running += 1
        try:
            for _ in range(self.random.randrange(6)):
                await asyncio.sleep(0)
            said = self.random.choice(["ok", "ok", "ok", "429", "503", "not sent", "sent", "timeout", "400", "hang"])
            if said == "hang":
                await asyncio.sleep(0.01)
            elif said != "ok":
                raise ERRORS[said]()
        finally:
            self.running -= 1


@pytest.mark.parametrize("seed", range(8))
async def test_at_random_nothing_is_left_behind(seed: int) -> None:
    random = Random(seed)
    bench = Bench("ok", "ok", policy=Policy(concurrent=3, queued=4))
    erratic = [Erratic(name, random) for name in "ab"]
    served = [Served(up, guard=guard) for up, guard in zip(erratic, bench.guards, strict=True)]
    bench.dispatcher = Dispatcher(ModelCatalog(served, random.random), sleep=lambda _: asyncio.sleep(0))

    async def call(way: str) -> None:
        begin(CallRecord("id", "rpc"))
        limit(in_seconds(random.choice([0.001, 0.01, 60])))
        await getattr(bench, way)()

    calls: list[asyncio.Task[None]] = []
    for _ in range(400):
        calls.append(asyncio.create_task(call(random.choice(["chat", "embed", "stream"]))))
        bench.now += random.random()
        if random.random() < 0.3:
            random.choice(calls).cancel()
        await asyncio.sleep(0)
    ends = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(end) for end in ends} >= {type(None), asyncio.CancelledError, DeadlineExceeded, UpstreamTimeout}
    assert all(end is None or isinstance(end, ServiceError | asyncio.CancelledError) for end in ends)
    for upstream, guard in zip(erratic, bench.guards, strict=True):
        assert guard.admission is not None
        assert (upstream.running, guard.admission.running, guard.admission.waiting) == (0, 0, 0)
        bench.now += 60
        guard.breaker.enter()


@pytest.mark.parametrize("glob", ["a*", "a?m", "*m*x"])
async def test_a_glob_of_models_is_none_of_upstreams(glob: str) -> None:
    bench = Bench("ok")
    begin(CallRecord("id", "rpc", Caller(models=(glob,))))
    with pytest.raises(ModelNotAllowed):
        await bench.dispatcher.chat({"model": "a/m"})
    assert bench.asked == [0]
