"""The address of a Simotel's API, from what a person types.

Source: Simotel's v4 API documents.
"""

from typing import Final

from yarl import URL

from ..url import normalize

DEFAULT_BASE_PATH: Final = "/api/v4"


def normalize_address(text: str) -> URL:
    """Return the one form of an address, e.g. ``http://pbx.lan/api/v4``.

    A bare host gets http and the documented base path.

    Raises:
        ValueError: not an http(s) address, or one with user info, a query or
            a fragment.
    """
    return normalize(text, base_path=DEFAULT_BASE_PATH)
