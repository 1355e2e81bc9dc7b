"""Which upstream serves which model, under which name.

A name is looked up as it is, then with `models/` in front, first among the listed, then among those that globs
admit; then as an alias, then as `upstream/model`. The first of these that any upstream answers to decides; where
several do, each call goes to one of them at random, by their weights. So an alias given to several upstreams
spreads one name over what each of them calls the model.
Each upstream tells its models itself; what it told is kept for a minute and renewed in the background.
Beside those, the globs an operator configured for an upstream (`models = ["gpt-*"]`) both narrow what is
listed and admit names that the upstream does not list. An upstream that cannot list its models and has no
globs is asked whatever nobody else serves: it may know better.
"""

import asyncio
import difflib
import logging
import random
import time
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import accumulate
from typing import Final

from modelwire_service.errors import ModelNotFound, ServiceError, UpstreamTimeout
from modelwire_service.upstreams.base import Model, Upstream

FRESH_SECONDS: Final = 60.0
RETRY_SECONDS: Final = 5.0
PATIENCE_SECONDS: Final = 10.0
_PREFIX: Final = "models/"
_log = logging.getLogger("modelwire.catalog")


@dataclass(frozen=True, slots=True)
class Served:
    """An upstream with what its operator said of its models: globs that admit names, and aliases → own names.

    `weight` is its share, beside the weights of others, of the calls for models they serve too.
    """

    upstream: Upstream
    globs: Sequence[str] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    weight: int = 1

    def admits(self, model: str) -> bool:
        return any(fnmatchcase(model, glob) for glob in self.globs)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a call goes: an upstream, and the model's name there."""

    upstream: Upstream
    model: str


class ModelCatalog:
    """The models of all upstreams.

    `source` gives numbers from 0 up to but not 1, by which one of several upstreams is chosen.
    """

    def __init__(self, served: Sequence[Served], source: Callable[[], float] = random.random) -> None:
        self._served = served
        self._random = source
        self._by_name = {entry.upstream.name: entry for entry in served}
        self._listings = {entry.upstream.name: _Listing(entry) for entry in served}

    @property
    def upstreams(self) -> list[Upstream]:
        return [entry.upstream for entry in self._served]

    async def models(self) -> list[Model]:
        """All models that are listed, each once, in the order of the upstreams, with what any of them tells.

        Raises the error of the first upstream where none of them tells its models.
        """
        await asyncio.gather(*(listing.renewed() for listing in self._listings.values()))
        merged: dict[str, Model] = {}
        failures = [listing.failure for listing in self._listings.values() if listing.failure]
        if len(failures) == len(self._listings):
            raise failures[0]
        for listing in self._listings.values():
            for model in listing.models.values():
                merged[model.id] = _merged(merged.get(model.id), model)
        return list(merged.values())

    def model(self, target: Target) -> Model:
        """What is known of a resolved model; little where no upstream lists it."""
        known: Model | None = None
        for listing in self._listings.values():
            if (told := listing.models.get(target.model)) is not None:
                known = _merged(known, told)
        return known or Model(target.model, owned_by=target.upstream.name)

    async def resolve(self, name: str) -> Target:
        """Where calls for `name` go; raises ModelNotFound with the names nearest to it."""
        if self._all_asked and (target := self._found(name)) is not None:
            return target
        await asyncio.gather(*(listing.renewed() for listing in self._listings.values()))
        if (target := self._found(name) or self._unlisted(name)) is not None:
            return target
        raise ModelNotFound(name, self._near(name))

    @property
    def _all_asked(self) -> bool:
        """Whether every upstream had its chance to list; before that a glob of a later one could win over it."""
        return all(listing.asked for listing in self._listings.values())

    def _found(self, name: str) -> Target | None:
        return (
            self._listed(name)
            or self._listed(_PREFIX + name)
            or self._admitted(name)
            or self._admitted(_PREFIX + name)
            or self._aliased(name)
            or self._named_outright(name)
        )

    def _listed(self, name: str) -> Target | None:
        serving = [listing for listing in self._listings.values() if name in listing.models]
        if not serving:
            return None
        for listing in serving:
            listing.renew_if_old()
        # One that never told its models may serve this one just as well, if its operator says so.
        serving += [each for each in self._listings.values() if not each.told and each.entry.admits(name)]
        return self._one_of([(listing.entry, name) for listing in serving])

    def _admitted(self, name: str) -> Target | None:
        return self._one_of([(e, name) for e in self._served if e.admits(name) and name not in e.aliases])

    def _aliased(self, name: str) -> Target | None:
        return self._one_of([(entry, entry.aliases[name]) for entry in self._served if name in entry.aliases])

    def _one_of(self, choices: list[tuple[Served, str]]) -> Target | None:
        """One of the upstreams that serve a model, each under its name there, by weight."""
        if not choices:
            return None
        entry, model = choices[0]
        if len(choices) > 1:
            ends = list(accumulate(entry.weight for entry, _ in choices))
            entry, model = choices[bisect_right(ends, self._random() * ends[-1])]
        return Target(entry.upstream, model)

    def _named_outright(self, name: str) -> Target | None:
        """`upstream/model`, where that upstream serves the model."""
        upstream, _, model = name.partition("/")
        entry = self._by_name.get(upstream)
        if entry is None or not model:
            return None
        models = self._listings[upstream].models
        known = next((known for known in (model, _PREFIX + model) if known in models), None)
        if known is not None:
            return Target(entry.upstream, known)
        if model in entry.aliases:
            return Target(entry.upstream, entry.aliases[model])
        admitted = next((known for known in (model, _PREFIX + model) if entry.admits(known)), None)
        if admitted is None and self._listings[upstream].unknown:
            admitted = model
        return None if admitted is None else Target(entry.upstream, admitted)

    def _unlisted(self, name: str) -> Target | None:
        return self._one_of([(listing.entry, name) for listing in self._listings.values() if listing.unknown])

    def _near(self, name: str) -> list[str]:
        names = {model for listing in self._listings.values() for model in listing.models}
        names |= {alias for entry in self._served for alias in entry.aliases}
        return difflib.get_close_matches(name, sorted(names), n=3, cutoff=0.4)


def _merged(first: Model | None, other: Model) -> Model:
    """What two upstreams tell of one model; the first wins where both know."""
    if first is None:
        return other
    return Model(first.id, first.created or other.created, first.owned_by or other.owned_by)


class _Listing:
    """The models one upstream told, and when it is to be asked again."""

    def __init__(self, entry: Served) -> None:
        self.entry = entry
        self.models: dict[str, Model] = {}
        self.asked = False
        self.told = False
        self.failure: ServiceError | None = None
        self._ask_at = 0.0
        self._asking: asyncio.Task[None] | None = None

    @property
    def unknown(self) -> bool:
        """Whether nobody can say what this upstream serves: it lists nothing and no glob was configured."""
        return not self.told and not self.entry.globs

    def renew_if_old(self) -> None:
        """Asks the upstream again in the background when its answer has grown old."""
        if time.monotonic() >= self._ask_at and (self._asking is None or self._asking.done()):
            self._asking = asyncio.create_task(self._ask())

    async def renewed(self) -> None:
        """Waits for an answer no older than a few seconds where the upstream gives one."""
        self.renew_if_old()
        if self._asking is not None and not self._asking.done():
            # Shielded: a caller that leaves must not take the answer from the others who wait for it.
            await asyncio.shield(self._asking)

    async def _ask(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                models = await self.entry.upstream.list_models()
        except (ServiceError, TimeoutError) as error:
            self._ask_at = time.monotonic() + RETRY_SECONDS
            told = error if isinstance(error, ServiceError) else UpstreamTimeout("the upstream lists no models in time")
            if not self.told:
                self.failure = told
            fields = {"upstream": self.entry.upstream.name, "error": told.message}
            _log.warning("models not listed", extra={"fields": fields})
            return
        finally:
            self.asked = True
        globs = self.entry.globs
        self.models = {model.id: model for model in models if not globs or self.entry.admits(model.id)}
        self.told, self.failure = True, None
        self._ask_at = time.monotonic() + FRESH_SECONDS
