"""What the official clients are pointed at."""

import pytest


@pytest.fixture
def base_url(embedded_url: str) -> str:
    """What a user gives an OpenAI client: REST in front of the embedded models, over either backend."""
    return f"{embedded_url}/v1"
