"""A short attack on the door for gRPC."""

import secrets

import grpc
import pytest
from fuzz.campaign import growth
from fuzz.grpc_attack import GrpcAttack
from fuzz.targets import TARGETS
from fuzz.watch import open_files, resident_bytes


@pytest.mark.parametrize(
    ("seed", "seconds"), [("one", 3), (secrets.token_hex(4), 3)], ids=["same bytes", "fresh bytes"]
)
async def test_nothing_sent_over_grpc_does_harm(seed: str, seconds: float) -> None:
    resident: list[int] = []
    async with TARGETS["serve"]() as target:
        files = open_files(target.pid)
        attack = GrpcAttack(target.grpc_address, seed)
        findings = await attack.run(seconds, lambda: resident.append(resident_bytes(target.pid)))
        async with grpc.aio.insecure_channel(target.grpc_address) as channel:
            assert await channel.unary_unary("/modelwire.v1beta.ModelService/ListModels")(b"", timeout=10)
        assert target.is_running()
        trouble = [line for line in target.trouble() if "internal error" in line]
        assert open_files(target.pid) < files + 64
    assert not findings.complaints, f"seed {seed}: {findings.complaints}"
    assert not trouble, f"seed {seed}: {trouble}"
    assert growth(resident) is None
    assert min(findings.codes["OK"], findings.codes["INVALID_ARGUMENT"], findings.connections) > 20
