"""Tests of the address of a PBX's API; those of each kind are beside its client."""

import pytest

from custom_components.pbx.backends.url import normalize


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("pbx.lan", "http://pbx.lan:8088/x"),
        ("pbx.lan:81", "http://pbx.lan:81/x"),
        ("pbx.lan:80", "http://pbx.lan/x"),
        ("http://pbx.lan", "http://pbx.lan/x"),
        ("https://pbx.lan:443/y/", "https://pbx.lan/y"),
        ("fe80::1", "http://[fe80::1]:8088/x"),
    ],
)
def test_bare_port(text: str, url: str) -> None:
    """A port is added to an address that has neither one nor a scheme."""
    assert str(normalize(text, base_path="/x", bare_port=8088)) == url
