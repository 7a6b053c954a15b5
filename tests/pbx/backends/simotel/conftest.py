"""A client of the sandbox, without Home Assistant."""

from collections.abc import AsyncIterator

from aiohttp import ClientSession
import pytest

from custom_components.pbx.backends.simotel import (
    Credentials,
    SimotelClient,
    normalize_address,
)
from sandbox import Sandbox


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    """Return a client session."""
    async with ClientSession() as running:
        yield running


@pytest.fixture
def credentials(sandbox: Sandbox) -> Credentials:
    """Return the credentials of the sandbox's account."""
    account = sandbox.config.accounts[0]
    return Credentials(
        username=account.username, password=account.password, api_key=account.api_key
    )


@pytest.fixture
def client(
    session: ClientSession, sandbox: Sandbox, credentials: Credentials
) -> SimotelClient:
    """Return a client with a short timeout."""
    return SimotelClient(
        session,
        normalize_address(sandbox.api_url),
        credentials,
        request_timeout=2,
    )
