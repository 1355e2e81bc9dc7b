"""What only handlers in this process can suffer."""

import logging
from typing import Any

import pytest
from google.protobuf.descriptor import ServiceDescriptor
from support.serving import Harness, name_of


async def test_a_streaming_handler_of_another_form_is_refused_in_process(
    services: tuple[ServiceDescriptor, ...], caplog: pytest.LogCaptureFixture
) -> None:
    def listed(_: bytes, __: Any) -> list[bytes]:
        return [b"x"]

    async with Harness("local", services).serving(Stream=listed) as serving:
        error = await serving.failure("Stream")
    assert name_of(error) == "UNKNOWN"
    assert "no async generator" in caplog.text
    assert caplog.records[0].levelno == logging.ERROR
