"""What the scheduler's tests share: the loops that it runs on."""

import asyncio

import pytest
import uvloop


@pytest.fixture(params=["uvloop", "asyncio"])
def run(request):
    """Runs a coroutine on one of the loops that are used."""
    return uvloop.run if request.param == "uvloop" else asyncio.run
