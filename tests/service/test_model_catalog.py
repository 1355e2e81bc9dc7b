"""Which upstream a name leads to."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from modelwire_service.access.caller import Caller
from modelwire_service.errors import ModelNotFound, UpstreamUnavailable
from modelwire_service.model_catalog import FRESH_SECONDS, MOST_CREDENTIALS, MOST_LEADS, ModelCatalog, Served
from modelwire_service.upstreams.base import Embeddings, Json, Model


class Listing:
    """An upstream that only lists models, or fails to."""

    def __init__(self, name: str, *models: str | Model, fails: bool = False) -> None:
        self.name = name
        self.asked = 0
        self._models = models
        self._fails = fails

    def tell(self, *models: str) -> None:
        """Lists other models from here on."""
        self._models = models

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def chat(self, request: Json) -> Json:
        raise NotImplementedError

    def stream_chat(self, request: Json) -> AsyncGenerator[list[Json]]:
        raise NotImplementedError

    async def embed(self, request: Json) -> Embeddings:
        raise NotImplementedError

    async def list_models(self) -> list[Model]:
        self.asked += 1
        await asyncio.sleep(0)
        if self._fails:
            raise UpstreamUnavailable("not reached", sent=False)
        return [
            model if isinstance(model, Model) else Model(model, created=5, owned_by=self.name) for model in self._models
        ]


def catalog() -> ModelCatalog:
    return ModelCatalog(
        [
            Served(Listing("a", "gpt-4o", "models/gemini-pro", "shared"), aliases={"fast": "gpt-4o"}),
            Served(Listing("b", "shared", "llama:8b", "org/mistral"), globs=["shared", "llama*", "qwen-*"]),
        ],
        source=lambda: 0.0,
    )


@pytest.mark.parametrize(
    ("name", "upstream", "model"),
    [
        ("gpt-4o", "a", "gpt-4o"),
        ("models/gemini-pro", "a", "models/gemini-pro"),
        ("gemini-pro", "a", "models/gemini-pro"),  # looked up with models/ in front
        ("fast", "a", "gpt-4o"),
        ("shared", "a", "shared"),  # several serve it; the lowest number stands for the earliest
        ("b/shared", "b", "shared"),  # named outright
        ("a/gemini-pro", "a", "models/gemini-pro"),
        ("a/fast", "a", "gpt-4o"),
        ("llama:8b", "b", "llama:8b"),
        ("qwen-7", "b", "qwen-7"),  # not listed, admitted by a glob
    ],
)
async def test_a_name_leads_to(name: str, upstream: str, model: str) -> None:
    target = next(await catalog().resolve(name))
    assert (target.upstream.name, target.model) == (upstream, model)


@pytest.mark.parametrize("name", ["org/mistral", "b/org/mistral", "nothing", "c/gpt-4o", "a/", "models/gpt-4o"])
async def test_a_name_nobody_serves_is_refused(name: str) -> None:
    with pytest.raises(ModelNotFound):
        await catalog().resolve(name)


async def test_the_refusal_names_near_ones() -> None:
    with pytest.raises(ModelNotFound, match="Did you mean gpt-4o"):
        await catalog().resolve("gpt4o")


async def test_each_model_is_listed_once_and_globs_narrow() -> None:
    models = [(model.id, model.owned_by) for model in await catalog().models()]
    assert models == [
        ("gpt-4o", "a"),
        ("models/gemini-pro", "a"),
        ("shared", "a"),
        ("llama:8b", "b"),
    ]


async def test_an_upstream_that_cannot_list_is_asked_what_nobody_else_serves() -> None:
    silent = Listing("silent", fails=True)
    target = next(await ModelCatalog([Served(Listing("a", "x")), Served(silent)]).resolve("y"))
    assert (target.upstream.name, target.model) == ("silent", "y")


async def test_one_that_cannot_list_and_has_globs_is_asked_those_alone() -> None:
    served = ModelCatalog([Served(Listing("silent", fails=True), globs=["y*"])])
    assert next(await served.resolve("y1")).model == "y1"
    with pytest.raises(ModelNotFound):
        await served.resolve("z")


async def test_many_calls_at_once_ask_the_upstream_once() -> None:
    upstream = Listing("a", "x")
    served = ModelCatalog([Served(upstream)])
    await asyncio.gather(*(served.resolve("x") for _ in range(50)))
    assert upstream.asked == 1


@pytest.mark.parametrize(
    ("name", "told"), [("fast", Model("gpt-4o", created=5, owned_by="a")), ("qwen-7", Model("qwen-7", owned_by="b"))]
)
async def test_a_model_is_told_as_its_upstream_lists_it(name: str, told: Model) -> None:
    served = catalog()
    assert served.model(next(await served.resolve(name))) == told


@pytest.mark.parametrize("name", ["gemini-9", "models/gemini-9", "a/gemini-9", "a/models/gemini-9"])
async def test_a_glob_may_begin_with_the_prefix(name: str) -> None:
    target = next(await ModelCatalog([Served(Listing("a", "models/x"), globs=["models/gemini-*"])]).resolve(name))
    assert (target.upstream.name, target.model) == ("a", "models/gemini-9")


async def test_a_name_leads_elsewhere_once_its_upstreams_tell_so() -> None:
    now, telling = 0.0, Listing("a")
    first = ModelCatalog([Served(telling), Served(Listing("b"), globs=["*"])], clock=lambda: now)

    async def leads_to(name: str) -> str:
        return next(await first.resolve(name)).upstream.name

    for lists, found in ((["old", "kept"], "aab"), (["kept", "new"], "baa"), (["new"], "bba")):
        telling.tell(*lists)
        now += FRESH_SECONDS
        await first.models()
        assert [await leads_to(name) for _ in range(2) for name in ("old", "kept", "new")] == [*found, *found]


async def test_names_beyond_those_kept_lead_where_they_did() -> None:
    served = ModelCatalog([Served(Listing("a", "m"), globs=["*"])])
    for name in [*map(str, range(MOST_LEADS + 1)), "0", "m"]:
        target = next(await served.resolve(name))
        assert target.model == name


async def test_a_call_for_a_listed_model_has_it_listed_anew_when_that_is_old() -> None:
    now, upstream = 0.0, Listing("a", "m")
    served = ModelCatalog([Served(upstream)], clock=lambda: now)
    for asked in (1, 2, 3):
        for _ in range(2):
            assert next(await served.resolve("m")).model == "m"
            await served.models()  # waits for what was asked in the background
        assert upstream.asked == asked
        now += FRESH_SECONDS


async def chosen(served: list[Served], name: str, numbers: list[float]) -> list[str]:
    """Where calls for `name` go as the source of chance gives these numbers: `upstream/model` each."""
    left = iter(numbers)
    found = ModelCatalog(served, source=lambda: next(left))
    targets = [next(await found.resolve(name)) for _ in numbers]
    assert next(left, None) is None, "every call takes one number"
    return [f"{target.upstream.name}/{target.model}" for target in targets]


EIGHTHS = [eighth / 8 for eighth in range(8)]


@pytest.mark.parametrize(
    ("weights", "shares"),
    [((1, 1), (4, 4)), ((3, 1), (6, 2)), ((1, 7), (1, 7)), ((2, 1, 1), (4, 2, 2))],
)
async def test_calls_for_a_model_of_several_upstreams_are_spread_by_weight(
    weights: tuple[int, ...], shares: tuple[int, ...]
) -> None:
    served = [Served(Listing(f"u{at}", "m"), weight=weight) for at, weight in enumerate(weights)]
    expected = [f"u{at}/m" for at, share in enumerate(shares) for _ in range(share)]
    assert await chosen(served, "m", EIGHTHS) == expected


SPREAD: dict[str, tuple[list[Served], list[str]]] = {
    "listed by both": ([Served(Listing("a", "m")), Served(Listing("b", "m"))], ["a/m", "b/m"]),
    "listed by both with the prefix": (
        [Served(Listing("a", "models/m")), Served(Listing("b", "models/m"))],
        ["a/models/m", "b/models/m"],
    ),
    "admitted by both": (
        [Served(Listing("a"), globs=["m*"]), Served(Listing("b"), globs=["*"])],
        ["a/m", "b/m"],
    ),
    "listed by one, admitted by one that tells no models": (
        [Served(Listing("a", fails=True), globs=["m"]), Served(Listing("b", "m"))],
        ["b/m", "a/m"],
    ),
    "listed by neither, and neither can list": (
        [Served(Listing("a", fails=True)), Served(Listing("b", fails=True))],
        ["a/m", "b/m"],
    ),
    "an alias of both, each with a name of its own": (
        [Served(Listing("a", "x"), aliases={"m": "x"}), Served(Listing("b", "y"), aliases={"m": "y"})],
        ["a/x", "b/y"],
    ),
}


@pytest.mark.parametrize("case", SPREAD)
async def test_what_counts_as_serving_a_model(case: str) -> None:
    served, targets = SPREAD[case]
    assert await chosen(served, "m", [0.0, 0.99]) == targets


ALONE: dict[str, tuple[list[Served], str]] = {
    "listed beats admitted": ([Served(Listing("a"), globs=["m"]), Served(Listing("b", "m"))], "b/m"),
    "listed beats an alias": ([Served(Listing("a", "x"), aliases={"m": "x"}), Served(Listing("b", "m"))], "b/m"),
    "as it is beats with the prefix": ([Served(Listing("a", "models/m")), Served(Listing("b", "m"))], "b/m"),
    "admitted beats an alias": (
        [Served(Listing("a", "x"), aliases={"m": "x"}), Served(Listing("b"), globs=["m"])],
        "b/m",
    ),
}


@pytest.mark.parametrize("case", ALONE)
async def test_the_first_way_a_name_is_known_decides(case: str) -> None:
    served, target = ALONE[case]
    [found] = await ModelCatalog(served, source=lambda: 1 / 0).resolve("m")
    assert f"{found.upstream.name}/{found.model}" == target


async def test_one_named_outright_is_asked_whatever_its_weight() -> None:
    served = [Served(Listing("a", "m"), weight=1000), Served(Listing("b", "m"))]
    [found] = await ModelCatalog(served, source=lambda: 1 / 0).resolve("b/m")
    assert found.upstream.name == "b"


@pytest.mark.parametrize(
    ("told", "merged"),
    [
        ((Model("m", 5, "x"), Model("m", 6, "y")), Model("m", 5, "x")),
        ((Model("m"), Model("m", 6, "y")), Model("m", 6, "y")),
        ((Model("m", 0, "x"), Model("m", 6, "y")), Model("m", 6, "x")),
        ((Model("m", 5, ""), Model("m", 0, "")), Model("m", 5, "")),
    ],
)
@pytest.mark.parametrize("twice_by_one", [False, True])
async def test_a_model_told_twice_is_listed_once_with_what_is_known(
    told: tuple[Model, ...], merged: Model, twice_by_one: bool
) -> None:
    listings = [Listing("u", *told)] if twice_by_one else [Listing(f"u{at}", model) for at, model in enumerate(told)]
    served = ModelCatalog([Served(listing) for listing in listings])
    assert await served.models() == [merged]
    assert served.model(next(await served.resolve("m"))) == merged


ROUTES: dict[str, tuple[tuple[int, ...], list[float], str]] = {
    "one after another, each drawn among those that are left": ((1, 1, 1), [0.5, 0.0], "bac"),
    "the heaviest mostly first": ((1, 8, 1), [0.5, 0.5], "bca"),
    "those without a weight last, in their order": ((0, 1, 0), [], "bac"),
    "chance has no say over those without": ((0, 1, 1), [0.99], "cba"),
    "nobody else": ((0, 0), [], "ab"),
}


@pytest.mark.parametrize("case", ROUTES)
async def test_a_route_has_all_that_serve_a_model(case: str) -> None:
    weights, numbers, order = ROUTES[case]
    left = iter(numbers)
    served = [Served(Listing(name, "m"), weight=weight) for name, weight in zip("abc", weights, strict=False)]
    route = await ModelCatalog(served, source=lambda: next(left)).resolve("m")
    assert "".join(target.upstream.name for target in route) == order
    assert next(left, None) is None


async def test_a_caller_sees_the_models_it_may_use_under_any_of_their_names() -> None:
    async def listed(*globs: str) -> list[str]:
        return [model.id for model in await catalog().models(Caller(models=globs))]

    assert await listed("gemini-pro", "b/llama*") == ["models/gemini-pro", "llama:8b"]
    assert await listed("models/gpt-4o") == ["gpt-4o"]
    assert await listed("nothing") == []


async def test_near_names_are_those_a_caller_may_use() -> None:
    with pytest.raises(ModelNotFound) as raised:
        await catalog().resolve("gpt4o", Caller(models=("shared",)))
    assert "gpt-4o" not in raised.value.message


async def test_what_is_listed_to_one_credential_is_not_shown_to_another() -> None:
    upstream = Listing("a", "x")
    shared = ModelCatalog([Served(upstream)])
    first, second = (shared.of(Caller(credential=text)) for text in ("one", "two"))
    assert [await each.models() for each in (first, second, first)]
    assert upstream.asked == 2
    assert (shared.of(Caller(credential="one")), shared.of(Caller())) == (first, shared)


async def test_listings_of_few_credentials_are_kept() -> None:
    shared = ModelCatalog([Served(Listing("a", "x"))])
    first = shared.of(Caller(credential="first"))
    for number in range(MOST_CREDENTIALS):
        shared.of(Caller(credential=str(number)))
    assert shared.of(Caller(credential="first")) is not first
