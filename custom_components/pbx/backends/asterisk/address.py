"""The address of an Asterisk's REST interface, from what a person types.

Source: Asterisk's documentation of `http.conf` (port, prefix) and of ARI.
"""

from typing import Final

from yarl import URL

from ..url import normalise

DEFAULT_PORT: Final = 8088
_ARI: Final = "ari"


def normalise_address(text: str) -> URL:
    """Return the one form of an address, e.g. ``http://pbx.lan:8088/ari``.

    A bare host gets http and Asterisk's port. ARI's own path may be left out; a
    prefix before it stays.

    Raises:
        ValueError: not an http(s) address, or one with user info, a query or
            a fragment.
    """
    url = normalise(text, base_path=f"/{_ARI}", bare_port=DEFAULT_PORT)
    return url if url.name == _ARI else url / _ARI
