"""Address, credentials and timeouts of an Asterisk.

Source: Asterisk's documentation of `http.conf` (port, prefix) and of ARI.
"""

from dataclasses import dataclass, field
from typing import Final

import aiohttp
from yarl import URL

from ..redaction import login_forms
from ..url import normalize

DEFAULT_PORT: Final = 8088
_ARI: Final = "ari"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Address and credentials of an Asterisk.

    Attributes:
        base_url: of the REST interface, as `normalize_address` returns it.
        username: of an ARI user in `ari.conf` that is not read-only.
        password: of the same user.
        application: the ARI application that receives the events. A second client
            with the same application takes over the event stream.
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
        """Return what is masked in messages: the login, and the host of the PBX."""
        login = login_forms(self.username, self.password)
        return (*login, self.base_url.host or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Timeouts in seconds.

    Attributes:
        request: for a complete request and its response.
        events: for the event stream to connect, before a call is placed without it.
        heartbeat: for an idle event stream, before it is pinged, and again before it
            counts as lost.
    """

    request: float = 10
    events: float = 5
    heartbeat: float = 20


def normalize_address(text: str) -> URL:
    """Return the normalized address, such as ``http://pbx.lan:8088/ari``.

    A bare host gets HTTP and Asterisk's default port. ARI's own path is optional; a
    prefix before it is kept.

    Raises:
        ValueError: it is not an HTTP(S) address, or it has user info, a query or a
            fragment.
    """
    url = normalize(text, base_path=f"/{_ARI}", bare_port=DEFAULT_PORT)
    return url if url.name == _ARI else url / _ARI
