"""All requests, sent to Envoy and to two of our gateways: one as it comes, one set to be as close as it can."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from modelwire_gateway.sources.descriptors import services_in_image
from side_by_side.all_requests import REQUESTS
from side_by_side.answer_requests import PASSED_ON
from side_by_side.comparison import Outcome, Pair, compared
from side_by_side.echo import FIRST, Echo
from side_by_side.exchange import Request, answer
from support.envoy import running_envoy
from support.images import compiled_image
from support.programs import running

Pairs = Mapping[str, tuple[Pair, ...]]

DEFAULT, CLOSEST = "default", "closest"
OPTIONS = {
    DEFAULT: (),
    CLOSEST: (
        *("--error-body", "status"),
        *("--unknown-fields", "ignore"),
        *(part for name in PASSED_ON for part in ("--forward-header", name)),
        *(part for name, _ in FIRST for part in ("--expose-metadata", name)),
    ),
}
"""The options of the gateways that stand beside Envoy."""

_AT_ONCE = 8
_SERVICE = "side.v1.Echo"


class SideBySide:
    """The comparison, made when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pairs: Pairs | None = None

    def pairs(self, envoy: str) -> Pairs:
        """What became of each request, by the name of our gateway."""
        if self._pairs is None:
            self._pairs = asyncio.run(_run(envoy, self._folder))
        return self._pairs


async def _run(envoy: str, folder: Path) -> Pairs:
    image = folder / "image.binpb"
    image.write_bytes(compiled_image(folder, schema=(Path(__file__).parent / "schema.proto").read_text()))
    [service] = [found for found in services_in_image(image.read_bytes()) if found.full_name == _SERVICE]
    echo = Echo(service)
    async with AsyncExitStack() as stack:
        target = await stack.enter_async_context(echo.serving())
        doors = {"envoy": stack.enter_context(running_envoy(envoy, folder, image, _SERVICE, target))}
        for name, options in OPTIONS.items():
            common = ("--target", target, "--descriptor-set", str(image), "--http-address", "127.0.0.1:0")
            doors[name] = stack.enter_context(running("gateway", *common, *options)).http_address
        outcomes = {name: await _outcomes(echo, name, address) for name, address in doors.items()}
    theirs = outcomes.pop("envoy")
    return {name: tuple(map(compared, REQUESTS, theirs, ours)) for name, ours in outcomes.items()}


async def _outcomes(echo: Echo, name: str, address: str) -> list[Outcome]:
    places = asyncio.Semaphore(_AT_ONCE)

    async def outcome(number: int, request: Request) -> Outcome:
        request_id = f"{name}-{number}"
        async with places:
            response = await answer(address, request, request_id)
        return Outcome(response, echo.received.get(request_id))

    return await asyncio.gather(*(outcome(number, request) for number, request in enumerate(REQUESTS)))
