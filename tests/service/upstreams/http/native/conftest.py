"""Every asynchronous test here runs on asyncio's event loop and on uvloop's, its server in the same loop."""

from support.served_apps import pytest_asyncio_loop_factories

__all__ = ["pytest_asyncio_loop_factories"]
