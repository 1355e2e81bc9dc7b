"""Which upstream serves which model, under which name.

A name is looked up as it is, then with `models/` in front, first among the listed, then among those that globs
admit; then as an alias, then as `upstream/model`. The first of these that any upstream answers to decides; where
several do, each call goes to them in an order that is drawn at random, by their weights, and mostly no further than
the first. So an alias given to several upstreams spreads one name over what each of them calls the model.
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
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from hashlib import sha256
from itertools import accumulate
from typing import Final

from modelwire_service.access.caller import ANYONE, Caller
from modelwire_service.dispatch.guard import Guard
from modelwire_service.errors import ModelNotFound, ServiceError, UpstreamTimeout
from modelwire_service.upstreams.base import Model, Upstream

FRESH_SECONDS: Final = 60.0
RETRY_SECONDS: Final = 5.0
PATIENCE_SECONDS: Final = 10.0
MOST_CREDENTIALS: Final = 256
"""Those of callers whose listings are kept apart."""
MOST_LEADS: Final = 512
"""Names of which it is kept where they lead; globs admit any number of them."""
_PREFIX: Final = "models/"
_log = logging.getLogger("modelwire.catalog")


@dataclass(frozen=True, slots=True)
class Served:
    """An upstream with what its operator said of its models: globs that admit names, and aliases → own names.

    `weight` is its share, beside the weights of others, of the calls for models they serve too; with 0 it gets those
    that all others failed at. `guard` is what its calls pass.
    """

    upstream: Upstream
    globs: Sequence[str] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    weight: int = 1
    guard: Guard = field(default_factory=Guard)

    def admits(self, model: str) -> bool:
        return any(fnmatchcase(model, glob) for glob in self.globs)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a call goes: an upstream, the model's name there, and the guard its calls pass."""

    upstream: Upstream
    model: str
    guard: Guard


_Choices = list[tuple[Target, int]]
"""Upstreams that answer to one name, each with its own name for the model, and their weights."""


@dataclass(frozen=True, slots=True)
class _Lead:
    """Where a name leads, and which listings that was read in."""

    choices: _Choices
    read_in: "Sequence[_Listing]" = ()


class ModelCatalog:
    """The models of all upstreams.

    `source` gives numbers from 0 up to but not 1, by which one of several upstreams is chosen; `clock` gives seconds.
    """

    def __init__(
        self,
        served: Sequence[Served],
        source: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._served = served
        self._random = source
        self._clock = clock
        self._by_name = {entry.upstream.name: entry for entry in served}
        self._leads: dict[str, _Lead] = {}  # as found since an upstream told its models last
        self._listings = {entry.upstream.name: _Listing(entry, clock, self._leads.clear) for entry in served}
        self._by_credential: OrderedDict[bytes, ModelCatalog] = OrderedDict()

    @property
    def upstreams(self) -> list[Upstream]:
        return [entry.upstream for entry in self._served]

    def of(self, caller: Caller) -> "ModelCatalog":
        """The catalog for a caller's calls: one of its own where they go to the upstreams with the caller's credential.

        What an upstream lists to one account is nobody else's to see.
        """
        if caller.credential is None:
            return self
        digest = sha256(caller.credential.encode()).digest()
        own = self._by_credential.pop(digest, None) or ModelCatalog(self._served, self._random, self._clock)
        self._by_credential[digest] = own
        if len(self._by_credential) > MOST_CREDENTIALS:
            self._by_credential.popitem(last=False)
        return own

    async def models(self, caller: Caller = ANYONE) -> list[Model]:
        """All models listed that the caller may use, each once, in the order of the upstreams, with what any tells.

        Raises the error of the first upstream where none of them tells its models.
        """
        await asyncio.gather(*(listing.renewed() for listing in self._listings.values()))
        merged: dict[str, Model] = {}
        failures = [listing.failure for listing in self._listings.values() if listing.failure]
        if len(failures) == len(self._listings):
            raise failures[0]
        for upstream, listing in self._listings.items():
            for model in listing.models.values():
                if caller.may_use(*spellings(model.id), outright=(f"{upstream}/{model.id}",)):
                    merged[model.id] = _merged(merged.get(model.id), model)
        return list(merged.values())

    def model(self, target: Target) -> Model:
        """What is known of a resolved model; little where no upstream lists it."""
        known: Model | None = None
        for listing in self._listings.values():
            if (told := listing.models.get(target.model)) is not None:
                known = _merged(known, told)
        return known or Model(target.model, owned_by=target.upstream.name)

    async def resolve(self, name: str, caller: Caller = ANYONE) -> Iterator[Target]:
        """Where a call for `name` goes, in the order to try, one at least; chance is drawn as far as they are taken.

        Raises ModelNotFound with the names nearest to it among those the caller may use.
        """
        lead = self._leads.get(name) or (self._found(name) if self._all_asked else None)
        if lead is None:
            await asyncio.gather(*(listing.renewed() for listing in self._listings.values()))
            lead = self._found(name) or self._unlisted(name)
        if not lead.choices:
            raise ModelNotFound(name, self._near(name, caller))
        for listing in lead.read_in:
            listing.renew_if_old()
        return iter([lead.choices[0][0]]) if len(lead.choices) == 1 else self._in_turn(lead.choices)

    @property
    def _all_asked(self) -> bool:
        """Whether every upstream had its chance to list; before that a glob of a later one could win over it."""
        return all(listing.asked for listing in self._listings.values())

    def _found(self, name: str) -> _Lead | None:
        lead = self._listed(name) or self._listed(_PREFIX + name) or self._unread(name)
        if lead is not None:
            if len(self._leads) >= MOST_LEADS:
                self._leads.clear()
            self._leads[name] = lead
        return lead

    def _unread(self, name: str) -> _Lead | None:
        """Where a name leads that stands in no listing."""
        choices = (
            self._admitted(name) or self._admitted(_PREFIX + name) or self._aliased(name) or self._named_outright(name)
        )
        return _Lead(choices) if choices else None

    def _listed(self, name: str) -> _Lead | None:
        telling = [listing for listing in self._listings.values() if name in listing.models]
        if not telling:
            return None
        # One that never told its models may serve this one just as well, if its operator says so.
        serving = telling + [each for each in self._listings.values() if not each.told and each.entry.admits(name)]
        return _Lead([_choice(listing.entry, name) for listing in serving], telling)

    def _admitted(self, name: str) -> _Choices:
        return [_choice(entry, name) for entry in self._served if entry.admits(name) and name not in entry.aliases]

    def _aliased(self, name: str) -> _Choices:
        return [_choice(entry, entry.aliases[name]) for entry in self._served if name in entry.aliases]

    def _in_turn(self, choices: _Choices) -> Iterator[Target]:
        """The upstreams that serve a model, each under its name there: drawn by weight, then those without any."""
        weighed = [choice for choice in choices if choice[1]]
        while weighed:
            at = 0
            if len(weighed) > 1:
                ends = list(accumulate(weight for _, weight in weighed))
                at = bisect_right(ends, self._random() * ends[-1])
            yield weighed.pop(at)[0]
        yield from (target for target, weight in choices if not weight)

    def _named_outright(self, name: str) -> _Choices:
        """`upstream/model`, where that upstream serves the model."""
        upstream, _, model = name.partition("/")
        entry = self._by_name.get(upstream)
        if entry is None or not model:
            return []
        models = self._listings[upstream].models
        known = next((known for known in (model, _PREFIX + model) if known in models), None)
        if known is not None:
            return [_choice(entry, known)]
        if model in entry.aliases:
            return [_choice(entry, entry.aliases[model])]
        admitted = next((known for known in (model, _PREFIX + model) if entry.admits(known)), None)
        if admitted is None and self._listings[upstream].unknown:
            admitted = model
        return [] if admitted is None else [_choice(entry, admitted)]

    def _unlisted(self, name: str) -> _Lead:
        return _Lead([_choice(listing.entry, name) for listing in self._listings.values() if listing.unknown])

    def _near(self, name: str, caller: Caller) -> list[str]:
        names = {model for listing in self._listings.values() for model in listing.models}
        names |= {alias for entry in self._served for alias in entry.aliases}
        usable = sorted(near for near in names if caller.may_use(*spellings(near)))
        return difflib.get_close_matches(name, usable, n=3, cutoff=0.4)


def spellings(model: str) -> tuple[str, str]:
    """A model's name without `models/` in front, and with it."""
    bare = model.removeprefix(_PREFIX)
    return bare, _PREFIX + bare


def _choice(entry: Served, model: str) -> tuple[Target, int]:
    return Target(entry.upstream, model, entry.guard), entry.weight


def _merged(first: Model | None, other: Model) -> Model:
    """What is told twice of one model, by two upstreams or by one; the first wins where both know."""
    if first is None:
        return other
    return Model(first.id, first.created or other.created, first.owned_by or other.owned_by)


class _Listing:
    """The models one upstream told, and when it is to be asked again. `changed` is called when it told them."""

    def __init__(self, entry: Served, clock: Callable[[], float], changed: Callable[[], None]) -> None:
        self.entry = entry
        self._clock = clock
        self._changed = changed
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
        if self._clock() >= self._ask_at and (self._asking is None or self._asking.done()):
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
            self._ask_at = self._clock() + RETRY_SECONDS
            told = error if isinstance(error, ServiceError) else UpstreamTimeout("the upstream lists no models in time")
            if not self.told:
                self.failure = told
            fields = {"upstream": self.entry.upstream.name, "error": told.message}
            _log.warning("models not listed", extra={"fields": fields})
            return
        finally:
            self.asked = True
        self.models = {}
        for model in models:
            if not self.entry.globs or self.entry.admits(model.id):
                self.models[model.id] = _merged(self.models.get(model.id), model)
        self.told, self.failure = True, None
        self._changed()
        self._ask_at = self._clock() + FRESH_SECONDS
