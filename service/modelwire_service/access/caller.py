"""Who calls, and what they may."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final


@dataclass(frozen=True, slots=True)
class Limits:
    """What one caller may use; None is no limit. `concurrency` counts calls under way."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrency: int | None = None

    def __bool__(self) -> bool:
        return not (self.requests_per_minute is self.tokens_per_minute is self.concurrency is None)


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody whose calls are taken. `id` is that of the key, `models` are globs of what they may call (empty: all).

    `credential` is the caller's own, where calls are passed through with it.
    """

    id: str = ""
    name: str = ""
    models: tuple[str, ...] = ()
    limits: Limits = Limits()
    credential: str | None = field(default=None, repr=False)

    def may_use(self, *names: str, outright: Sequence[str] = ()) -> bool:
        """Whether any of the names that one model goes by is admitted.

        Those in `outright` name the upstream, too, and only globs with a slash admit them: `gpt-*` is not all of
        `gpt-proxy`.
        """
        return not self.models or any(
            any(fnmatchcase(name, glob) for name in ((*names, *outright) if "/" in glob else names))
            for glob in self.models
        )


ANYONE: Final = Caller()
"""The caller of a server that asks for no key."""
