"""Tests of the address of an Asterisk's REST interface."""

from hypothesis import given, strategies as st
import pytest

from custom_components.pbx.backends.asterisk import normalize_address


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("192.168.1.20", "http://192.168.1.20:8088/ari"),
        (" PBX.lan/ ", "http://pbx.lan:8088/ari"),
        ("pbx.lan:8089", "http://pbx.lan:8089/ari"),
        ("pbx.lan/ari", "http://pbx.lan:8088/ari"),
        ("https://pbx.lan:8089/ari/", "https://pbx.lan:8089/ari"),
        ("http://pbx.lan:8088", "http://pbx.lan:8088/ari"),
        ("http://pbx.lan:8088/asterisk", "http://pbx.lan:8088/asterisk/ari"),
        ("http://pbx.lan:8088/asterisk/ari", "http://pbx.lan:8088/asterisk/ari"),
    ],
)
def test_normalise(text: str, url: str) -> None:
    """All spellings of an address are normalized to one form."""
    assert str(normalize_address(text)) == url


@pytest.mark.parametrize("text", ["", "ftp://pbx", "http://a@pbx", "pbx?x", "pbx#x"])
def test_refused(text: str) -> None:
    """An invalid address is rejected."""
    with pytest.raises(ValueError, match=r"."):
        normalize_address(text)


@given(st.text() | st.from_regex(r"\A(https?://)?[\w.:\[\]%-]{1,20}(/.*)?\Z"))
def test_own_form(text: str) -> None:
    """Normalizing a normalized address does not change it."""
    try:
        url = str(normalize_address(text))
    except ValueError:
        return
    assert str(normalize_address(url)) == url
