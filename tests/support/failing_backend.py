"""A backend that fails as none should."""

from typing import Any


class Failing:
    """A backend with a defect: it raises what no backend should, when called or after one message."""

    def __init__(self, *messages: bytes) -> None:
        self._messages = list(messages)

    def call(self, *_: Any, **__: Any) -> "Failing":
        return self

    def __aiter__(self) -> "Failing":
        return self

    async def __anext__(self) -> bytes:
        if self._messages:
            return self._messages.pop()
        raise RuntimeError("the secret")

    async def initial_metadata(self) -> tuple[()]:
        return ()

    def trailing_metadata(self) -> tuple[()]:
        return ()

    async def aclose(self) -> None: ...

    async def ready(self) -> bool:
        return True

    async def close(self) -> None: ...
