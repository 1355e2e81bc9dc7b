"""Workers that end, and what is done about it; the processes are real, and most are no workers."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE

import pytest
from modelwire_service.workers.crew import Crew
from modelwire_service.workers.worker import Worker


class Starter:
    """Starts programs that end with `status`; by number, those in `staying` do not end, and serve."""

    def __init__(self, status: int = 3, staying: frozenset[int] = frozenset()) -> None:
        self._code = f"raise SystemExit({status})"
        self._staying = staying
        self.started: list[tuple[int, float]] = []
        self.news = asyncio.Condition()

    async def start(self, number: int) -> Worker:
        stays = number in self._staying
        code = "import sys; sys.stdin.read()" if stays else self._code
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-S", "-c", code), stdin=PIPE if stays else DEVNULL
        )
        worker = Worker(process)
        if stays:
            worker.told_serving()
        async with self.news:
            self.started.append((number, asyncio.get_running_loop().time()))
            self.news.notify_all()
        return worker

    async def starts(self, count: int) -> None:
        """Waits for that many starts of number 1."""
        async with asyncio.timeout(20), self.news:
            await self.news.wait_for(lambda: len(self.times) >= count)

    @property
    def times(self) -> list[float]:
        return [at for number, at in self.started if number == 1]


def never() -> None:
    raise AssertionError("not all of them serve")


async def test_where_none_can_start_it_is_given_up() -> None:
    starter = Starter()
    with pytest.raises(ChildProcessError, match=r"workers cannot start; .* 5: its process ended with status 3"):
        await Crew(1, starter.start, never).run()
    assert len(starter.started) == 5


async def test_pauses_grow_while_a_worker_dies_at_once_and_others_go_on() -> None:
    starter = Starter(staying=frozenset({2}))
    crew = Crew(2, starter.start, never)
    running = asyncio.create_task(crew.run())
    await starter.starts(6)
    pauses = [after - before for before, after in zip(starter.times, starter.times[1:], strict=False)]
    assert not running.done()
    for number, pause in enumerate(pauses):
        assert pause >= 0.1 * 2**number
    await crew.kill()
    await asyncio.gather(running, return_exceptions=True)
    assert [number for number, _ in starter.started].count(2) == 1


async def test_what_keeps_the_first_ones_from_serving_ends_all() -> None:
    starter = Starter()

    async def refused(number: int) -> Worker:
        worker = await starter.start(number)
        worker.refusal = OSError("cannot listen there")
        return worker

    crew = Crew(3, refused, never)
    with pytest.raises(OSError, match="cannot listen there"):
        await crew.run()
    await crew.kill()


async def test_those_that_do_not_drain_are_killed() -> None:
    starter = Starter(staying=frozenset({1, 2}))
    serving = asyncio.Event()
    crew = Crew(2, starter.start, serving.set)
    running = asyncio.create_task(crew.run())
    await serving.wait()
    with pytest.raises(ChildProcessError, match="killed"):
        await crew.drain(0)
    await asyncio.gather(running, return_exceptions=True)
