"""Normalize the address of a PBX's API as entered by the user."""

from ipaddress import IPv6Address
import re
from typing import Final

from yarl import URL

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
# User info, queries and fragments are not allowed in a base address; whitespace,
# control characters and backslashes are not allowed in any address.
_FORBIDDEN = re.compile(r"[@?#\\\s\x00-\x1f\x7f]")
# A mistyped scheme ("http:/pbx.lan") is not a host that credentials may be sent to.
_SCHEME_NAMES = frozenset({"http", "https"})
# The maximum length of a domain name and of each of its labels (RFC 1035).
_MAX_HOST: Final = 253
_MAX_LABEL: Final = 63


def normalize(text: str, *, base_path: str, bare_port: int | None = None) -> URL:
    """Return the normalized address of a PBX, such as ``http://pbx.lan/api/v4``.

    A path is kept, without its trailing slash. Equivalent addresses return the same
    URL, and normalizing it again does not change it.

    Args:
        text: as entered by the user.
        base_path: the path of an address that has none.
        bare_port: the port of an address that has neither scheme nor port.

    Raises:
        ValueError: it is not an HTTP(S) address, or it has user info, a query or a
            fragment.
    """
    text = text.strip()
    if _FORBIDDEN.search(text):
        raise ValueError("not a plain address")
    scheme = _SCHEME.match(text)
    if "://" in text[scheme.end() if scheme else 0 :]:
        raise ValueError("more than one scheme")
    url = URL(text if scheme else f"http://{_with_brackets(text)}")
    if url.scheme not in {"http", "https"} or not url.host or url.port == 0:
        raise ValueError("not an http address")
    host = url.host.lower()
    _check_host((url.raw_host or "").lower())
    segments = [segment for segment in url.raw_path.split("/") if segment]
    path = "/" + "/".join(segments) if segments else base_path
    port = url.explicit_port or (None if scheme else bare_port)
    default_port = URL.build(scheme=url.scheme, host=host).port
    origin = URL.build(
        scheme=url.scheme, host=host, port=None if port == default_port else port
    )
    return origin.with_path(path, encoded=True)


def _with_brackets(text: str) -> str:
    """Return a bare IPv6 address in brackets, any other text unchanged."""
    try:
        IPv6Address(text)
    except ValueError:
        return text
    return f"[{text}]"


def _check_host(host: str) -> None:
    """Raise ValueError for an invalid host name."""
    if host.removesuffix(".") in _SCHEME_NAMES:
        raise ValueError("an incomplete scheme")
    labels = host.removesuffix(".").split(".")
    if len(host) > _MAX_HOST or not all(0 < len(each) <= _MAX_LABEL for each in labels):
        raise ValueError("not a host")
