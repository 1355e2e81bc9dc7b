from collections.abc import Callable
from typing import Any

import pytest
from modelwire_service.errors import InvalidRequest
from modelwire_service.validation import validate_chat

ChatViolations = Callable[..., list[str]]


@pytest.fixture
def chat_violations() -> ChatViolations:
    """Validates a minimal chat request with the members given, and tells what is wrong with it."""

    def violations(**members: Any) -> list[str]:
        try:
            validate_chat({"model": "m", "messages": [{"role": "user", "content": "hi"}], **members})
        except InvalidRequest as error:
            return [str(violation) for violation in error.violations]
        return []

    return violations
