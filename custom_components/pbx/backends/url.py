"""The address of a PBX's API, from what a person types."""

from ipaddress import IPv6Address
import re
from typing import Final

from yarl import URL

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
# User info, a query and a fragment have no place in a base address; white
# space, control characters and backslashes have none in any.
_REFUSED = re.compile(r"[@?#\\\s\x00-\x1f\x7f]")
# Of a scheme that was mistyped ("http:/pbx.lan"), and not hosts that
# credentials are to go to.
_NO_HOSTS = frozenset({"http", "https"})
# What a domain name and each of its labels may have (RFC 1035).
_MAX_HOST: Final = 253
_MAX_LABEL: Final = 63


def normalize(text: str, *, base_path: str, bare_port: int | None = None) -> URL:
    """Return the one form of a PBX's address, e.g. ``http://pbx.lan/api/v4``.

    A path that was given stays, without its trailing slash. Two texts for the
    same address give the same URL, and the normal form gives itself.

    Args:
        text: what was typed.
        base_path: what stands for no path at all.
        bare_port: the port of an address without a scheme and a port of its own.

    Raises:
        ValueError: not an http(s) address, or one with user info, a query or
            a fragment.
    """
    text = text.strip()
    if _REFUSED.search(text):
        raise ValueError("not a plain address")
    scheme = _SCHEME.match(text)
    if "://" in text[scheme.end() if scheme else 0 :]:
        raise ValueError("not one scheme")
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
    """Return a bare IPv6 address as it stands in a URL, all else as it is."""
    try:
        IPv6Address(text)
    except ValueError:
        return text
    return f"[{text}]"


def _check_host(host: str) -> None:
    """Raise ValueError for a host that cannot be looked up, or is none."""
    if host.removesuffix(".") in _NO_HOSTS:
        raise ValueError("half a scheme")
    labels = host.removesuffix(".").split(".")
    if len(host) > _MAX_HOST or not all(0 < len(each) <= _MAX_LABEL for each in labels):
        raise ValueError("not a host")
