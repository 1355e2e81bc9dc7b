"""Who comes in, who waits, who is turned away."""

import asyncio
from collections import deque
from random import Random

import pytest
from modelwire_service.dispatch.admission import Admission
from modelwire_service.errors import DeadlineExceeded, Overloaded


def counts(admission: Admission) -> tuple[int, int]:
    return admission.running, admission.waiting


async def turn() -> None:
    """Lets everything go on that can."""
    for _ in range(4):
        await asyncio.sleep(0)


async def test_calls_beyond_limit_and_queue_are_refused_at_once() -> None:
    admission = Admission(2, 1, "the server")
    await admission.enter()
    await admission.enter()
    third = asyncio.create_task(admission.enter())
    await turn()
    with pytest.raises(Overloaded, match="the server") as raised:
        await admission.enter()
    assert (raised.value.retry_after, counts(admission)) == (1.0, (2, 1))
    admission.leave()
    await third
    assert counts(admission) == (2, 0)


async def test_who_waits_longest_is_next_and_nobody_slips_in_between() -> None:
    admission, order = Admission(1, 9, "it"), []

    async def enter(name: str) -> None:
        await admission.enter()
        order.append(name)

    await enter("a")
    waiting = [asyncio.create_task(enter(name)) for name in "bcd"]
    await turn()
    admission.leave()
    late = asyncio.create_task(enter("e"))  # the place is free, and b's already
    await turn()
    assert order == ["a", "b"]
    for _ in range(3):
        admission.leave()
        await turn()
    assert order == list("abcde")
    await asyncio.gather(*waiting, late)


async def test_who_waits_too_long_is_told_so_and_takes_no_place() -> None:
    admission = Admission(1, 1, "it")
    await admission.enter()
    with pytest.raises(DeadlineExceeded):
        await admission.enter(asyncio.get_running_loop().time() - 1)
    assert counts(admission) == (1, 0)
    admission.leave()
    assert counts(admission) == (0, 0)


@pytest.mark.parametrize("given", [False, True], ids=["still waiting", "given the place just before"])
async def test_who_leaves_the_queue_takes_no_place_along(given: bool) -> None:
    admission = Admission(1, 2, "it")
    await admission.enter()
    leaving, staying = (asyncio.create_task(admission.enter()) for _ in range(2))
    await turn()
    if given:
        admission.leave()
    leaving.cancel()
    if not given:
        admission.leave()  # in the same moment
    await asyncio.gather(leaving, return_exceptions=True)
    assert leaving.cancelled()
    await staying
    assert counts(admission) == (1, 0)


@pytest.mark.parametrize("seed", range(30))
async def test_at_random_no_place_is_lost_or_made_up_and_turns_are_in_order(seed: int) -> None:
    random = Random(seed)
    limit, queue = random.randint(1, 4), random.randint(0, 4)
    admission = Admission(limit, queue, "it")
    entered: list[int] = []
    expected_running, expected_waiting = 0, deque[int]()
    tasks: dict[int, asyncio.Task[None]] = {}

    async def enter(number: int) -> None:
        await admission.enter()
        entered.append(number)

    for number in range(300):
        action = random.choice(["enter", "enter", "leave", "cancel"])
        if action == "enter":
            tasks[number] = asyncio.create_task(enter(number))
            await turn()
            if expected_running < limit:
                expected_running += 1
                assert entered[-1] == number
            elif len(expected_waiting) < queue:
                expected_waiting.append(number)
            else:
                assert isinstance(tasks[number].exception(), Overloaded)
        elif action == "leave" and expected_running:
            admission.leave()
            await turn()
            if expected_waiting:
                assert entered[-1] == expected_waiting.popleft()
            else:
                expected_running -= 1
        elif action == "cancel" and expected_waiting:
            number = random.choice(list(expected_waiting))
            expected_waiting.remove(number)
            tasks[number].cancel()
            await turn()
        assert counts(admission) == (expected_running, len(expected_waiting))
    for number in expected_waiting:
        tasks[number].cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)
    assert counts(admission) == (expected_running, 0)
