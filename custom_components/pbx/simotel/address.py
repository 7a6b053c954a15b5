"""The address of a Simotel's API, from what a person types."""

import re

from yarl import URL

DEFAULT_BASE_PATH = "/api/v4"

_SCHEME = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://", re.IGNORECASE)
# User info, a query and a fragment have no place in a base address; white
# space, control characters and backslashes have none in any.
_REFUSED = re.compile(r"[@?#\\\s\x00-\x1f\x7f]")


def normalise_address(text: str) -> URL:
    """Return the one form of a PBX's address, e.g. ``http://pbx.lan/api/v4``.

    A bare host gets http and the documented base path; a path that was given
    stays, without its trailing slash. Two texts for the same address give the
    same URL, and the normal form gives itself.

    Raises:
        ValueError: not an http(s) address, or one with user info, a query or
            a fragment.
    """
    text = text.strip()
    if _REFUSED.search(text):
        raise ValueError("not a plain address")
    if not _SCHEME.match(text):
        text = f"http://{text}"
    url = URL(text)
    if url.scheme not in {"http", "https"} or not url.host or url.port == 0:
        raise ValueError("not an http address")
    segments = [segment for segment in url.raw_path.split("/") if segment]
    path = "/" + "/".join(segments) if segments else DEFAULT_BASE_PATH
    port = None if url.is_default_port() else url.explicit_port
    origin = URL.build(scheme=url.scheme, host=url.host.lower(), port=port)
    return origin.with_path(path, encoded=True)
