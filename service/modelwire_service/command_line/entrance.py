"""The entrance of a server, as the settings have it: the keys, the limits, the record of usage."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from modelwire_service.access.gate import AutoGate, Gate, KeyGate, OpenGate, PassThroughGate
from modelwire_service.access.key_table import KeyTable
from modelwire_service.command_line.prepared import storage_of
from modelwire_service.dispatch.admission import Admission
from modelwire_service.dispatch.deadlines import Deadlines
from modelwire_service.entrance import Entrance
from modelwire_service.limits.base import Limiter
from modelwire_service.limits.memory import MemoryLimiter
from modelwire_service.settings import ConfigurationError, Settings
from modelwire_service.storage.errors import StorageError
from modelwire_service.storage.storage import Storage
from modelwire_service.usage.recorder import UsageRecorder
from modelwire_service.usage.rows import UsageRow

_log = logging.getLogger("modelwire.serve")


@asynccontextmanager
async def opened_entrance(settings: Settings, limiter: Limiter | None = None) -> AsyncIterator[Entrance]:
    """The entrance of all doors; at the end of the block what is known of calls is written, so doors close before.

    Without a `limiter` from outside it has one of its own.

    Raises ConfigurationError where the database cannot be used. What else could be wrong `prepare` has told.
    """
    storage = storage_of(settings)
    async with AsyncExitStack() as stack:
        stack.callback(storage.close)
        gate = await _gate(settings, storage, stack)
        limiter = limiter or _limiter(settings)
        stack.push_async_callback(limiter.close)
        yield Entrance(
            gate,
            limiter,
            Admission(settings.max_concurrent_calls, settings.max_queued_calls, "the server"),
            Deadlines(settings.default_deadline, settings.max_deadline),
            _recording(storage, stack) if settings.record_usage else None,
        )


async def _gate(settings: Settings, storage: Storage, stack: AsyncExitStack) -> Gate:
    if settings.auth == "none":
        return OpenGate()
    if settings.auth == "pass-through":
        return PassThroughGate()
    table = KeyTable(lambda: storage.known_keys().all(), lambda: storage.known_keys().version())
    stack.push_async_callback(table.close)
    try:
        await table.start()
    except StorageError as error:
        raise ConfigurationError([str(error)]) from None
    if settings.auth == "keys" and not len(table):
        _log.warning("nobody has a key yet; make one with `modelwire keys create NAME`")
    return KeyGate(table) if settings.auth == "keys" else AutoGate(table)


def _limiter(settings: Settings) -> Limiter:
    if settings.redis is None:
        return MemoryLimiter()
    # Imported here: it costs half a second at start, and few have one.
    from modelwire_service.limits.redis_limiter import RedisLimiter

    return RedisLimiter(settings.redis.get_secret_value())


def _recording(storage: Storage, stack: AsyncExitStack) -> Callable[[UsageRow], None]:
    recorder = UsageRecorder(storage.usage)
    recorder.start()
    stack.push_async_callback(recorder.close)
    return recorder.put
