"""Two ways to load a server, and one to hold its streams open."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Final

from bench.load.connection import Connection
from bench.load.outcome import Outcome
from bench.load.pool import MakeDialogue, Pool

MOST_CONNECTIONS: Final = 256


def closed_loop(
    address: str, dialogue: MakeDialogue, *, connections: int, seconds: float, patience: float = 20.0
) -> Outcome:
    """On each of so many connections the next call is made when the last is answered.

    Calls are made for `seconds`; the load ends with the last answer, or `patience` seconds later.
    """
    with Pool(address, dialogue) as pool:
        began = last = perf_counter()
        end, given_up = began + seconds, began + seconds + patience
        for _ in range(connections):
            pool.start(pool.open(), perf_counter())
        while pool.running and perf_counter() < given_up:
            for connection in pool.answered(given_up):
                last = perf_counter()
                if last < end:
                    pool.start(connection, last)
            while len(pool) < connections and (now := perf_counter()) < end:
                pool.start(pool.open(), now)
        pool.outcome.seconds = (perf_counter() if pool.running else last) - began
    return pool.outcome


def open_loop(address: str, dialogue: MakeDialogue, *, rate: float, seconds: float, patience: float = 5.0) -> Outcome:
    """Calls are due at a fixed rate, whether or not those before are answered; each is timed from when it was due.

    A call that finds every connection taken waits for one; 256 is the most there are.
    """
    idle: deque[Connection] = deque()
    count, due = int(rate * seconds), 0
    with Pool(address, dialogue) as pool:
        began = last = perf_counter()
        given_up = began + seconds + patience
        while (due < count or pool.running) and (now := perf_counter()) < given_up:
            while due < count and began + due / rate <= now and (idle or len(pool) < MOST_CONNECTIONS):
                pool.start(idle.popleft() if idle else pool.open(), began + due / rate)
                due += 1
            next_due = began + due / rate if due < count else given_up
            for connection in pool.answered(next_due if next_due > now else given_up):
                idle.append(connection)
                last = perf_counter()
        pool.outcome.dropped = count - due
        pool.outcome.seconds = max(last - began, seconds)
    return pool.outcome


@contextmanager
def held_streams(address: str, dialogue: MakeDialogue, *, count: int, patience: float) -> Iterator[int]:
    """Keeps `count` calls open, whose answers do not end, until the block does; gives how many were heard of."""
    with Pool(address, dialogue) as pool:
        given_up = perf_counter() + patience
        for _ in range(count):
            pool.start(pool.open(), perf_counter())
            for _ in pool.answered(0):
                pass
        while len(pool.outcome.first) < count and perf_counter() < given_up and pool.running == count:
            for _ in pool.answered(given_up):
                pass
        yield len(pool.outcome.first)
