"""Where an Asterisk is, how it knows us, and how long it is given.

Source: Asterisk's documentation of `http.conf` (port, prefix) and of ARI.
"""

from dataclasses import dataclass, field
from typing import Final

import aiohttp
from yarl import URL

from ..redaction import login_spellings
from ..url import normalize

DEFAULT_PORT: Final = 8088
_ARI: Final = "ari"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What is needed to talk to an Asterisk.

    Attributes:
        base_url: of the REST interface, as `normalize_address` returns it.
        username: of a user of `ari.conf` that may write.
        password: of the same.
        application: the name under which it tells us its events; whoever
            connects with the same one gets them in our place.
    """

    base_url: URL
    username: str
    password: str = field(repr=False)
    application: str

    def headers(self) -> dict[str, str]:
        """Return the headers that carry the credentials."""
        login = aiohttp.encode_basic_auth(
            self.username, self.password, encoding="utf-8"
        )
        return {"Authorization": login}

    def secrets(self) -> tuple[str, ...]:
        """Return what is not to be repeated: the login, and where the PBX is."""
        login = login_spellings(self.username, self.password)
        return (*login, self.base_url.host or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How many seconds an Asterisk is given.

    Attributes:
        request: for a whole request, with its answer.
        events: for the events to be connected, before a call goes without them.
        heartbeat: for a connection on which nothing comes, before it is asked
            for a sign of life, and again before it counts as lost.
    """

    request: float = 10
    events: float = 5
    heartbeat: float = 20


def normalize_address(text: str) -> URL:
    """Return the one form of an address, e.g. ``http://pbx.lan:8088/ari``.

    A bare host gets http and Asterisk's port. ARI's own path may be left out; a
    prefix before it stays.

    Raises:
        ValueError: not an http(s) address, or one with user info, a query or
            a fragment.
    """
    url = normalize(text, base_path=f"/{_ARI}", bare_port=DEFAULT_PORT)
    return url if url.name == _ARI else url / _ARI
