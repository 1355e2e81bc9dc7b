"""A pytest plugin for interpreters that have no modelwire: they are told where a server listens."""

import os

import pytest


@pytest.fixture
def base_url() -> str:
    """The variable BASE_URL."""
    return os.environ["BASE_URL"]
