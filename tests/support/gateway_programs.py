"""`modelwire gateway` as a real program, in front of a scripted service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from modelwire_gateway.sources.descriptors import services_in_image
from support.images import compiled_image
from support.programs import Program, running
from support.scripted_service import Behaviour, ScriptedService, served


@asynccontextmanager
async def gateway_of(proto: str, folder: Path, *options: str, **behaviours: Behaviour) -> AsyncIterator[Program]:
    """The program with `options`, told of the service by a descriptor set, which is `folder`/image.binpb."""
    image = compiled_image(folder, test=proto)
    async with served(ScriptedService(services_in_image(image), **behaviours)) as target:
        where = ("--target", target, "--http-address", "127.0.0.1:0")
        with running("gateway", *where, "--descriptor-set", str(folder / "image.binpb"), *options) as program:
            yield program
