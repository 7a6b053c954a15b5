"""A client of a stub of the REST interface, without Home Assistant."""

from collections.abc import AsyncIterator

from aiohttp import ClientSession
import pytest

from custom_components.pbx.backends.asterisk import Access, AsteriskClient, Patience
from custom_components.pbx.backends.asterisk.address import normalize_address
from tests.pbx.ari import PASSWORD, USERNAME, StubAri


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    """Return a session that comes from outside."""
    async with ClientSession() as running:
        yield running


@pytest.fixture
def access(ari: StubAri) -> Access:
    """Return where the stub is, and its user."""
    return Access(
        base_url=normalize_address(ari.url),
        username=USERNAME,
        password=PASSWORD,
        application="ha-test",
    )


@pytest.fixture
def client(session: ClientSession, access: Access) -> AsteriskClient:
    """Return a client that gives up soon."""
    patience = Patience(request=2, events=0.05)
    return AsteriskClient(session, access, patience=patience)
