"""A pytest plugin for interpreters that have no modelwire: they are told where a server listens, and what it serves."""

import os

import pytest


@pytest.fixture
def base_url() -> str:
    """The variable BASE_URL."""
    return os.environ["BASE_URL"]


@pytest.fixture
def talk_url() -> str:
    """The variable BASE_URL, where a scripted model is spoken to."""
    return os.environ["BASE_URL"]


@pytest.fixture
def talk_model() -> str:
    """The variable MODEL."""
    return os.environ["MODEL"]
