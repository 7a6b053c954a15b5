"""Tests of normalizing addresses."""

from hypothesis import given, strategies as st
import pytest

from custom_components.pbx.backends.simotel import normalize_address


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("pbx.lan", "http://pbx.lan/api/v4"),
        ("  pbx.lan/ ", "http://pbx.lan/api/v4"),
        ("PBX.Lan:8080", "http://pbx.lan:8080/api/v4"),
        ("192.168.1.20", "http://192.168.1.20/api/v4"),
        ("http://pbx.lan:80", "http://pbx.lan/api/v4"),
        ("HTTPS://PBX.lan:443/api/v4/", "https://pbx.lan/api/v4"),
        ("https://pbx.lan:80", "https://pbx.lan:80/api/v4"),
        ("pbx.lan/api/v4.1", "http://pbx.lan/api/v4.1"),
        (
            "https://host.example//Tenant//api/v4//",
            "https://host.example/Tenant/api/v4",
        ),
        ("[FE80::1]:8080", "http://[fe80::1]:8080/api/v4"),
        ("http://[::1]", "http://[::1]/api/v4"),
        ("FE80::1", "http://[fe80::1]/api/v4"),
        ("pbx.lan./", "http://pbx.lan./api/v4"),
        ("https-pbx", "http://https-pbx/api/v4"),
        ("مرکز.example", "http://xn--wgbc9c1w.example/api/v4"),
    ],
)
def test_normal_form(typed: str, normal: str) -> None:
    """All spellings of an address are normalized to one form."""
    assert str(normalize_address(typed)) == normal
    assert str(normalize_address(normal)) == normal


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "   ",
        "http://",
        "https:///api/v4",
        "/api/v4",
        ":8080",
        "ftp://pbx.lan",
        "user@pbx.lan",
        "http://user:secret@pbx.lan",
        "pbx.lan?x=1",
        "pbx.lan/api?",
        "pbx.lan#top",
        "pbx .lan",
        "pbx.lan\nHost: other",
        "pbx.lan\\api",
        "pbx.lan:0",
        "pbx.lan:99999",
        "pbx.lan:port",
        "[::1",
        "http://[nonsense]",
        "fe80::g",
        "http:/pbx.lan",
        "https:/pbx.lan",
        "http//pbx.lan",
        "HTTP",
        "https.",
        "http://http://pbx.lan",
        "http://https:/pbx.lan",
        "pbx.lan/https://x",
        "a" * 64 + ".local",
        "pbx..lan",
        ".lan",
        "a." * 127 + "lan",
    ],
)
def test_refused(typed: str) -> None:
    """An invalid address is rejected."""
    with pytest.raises(ValueError):  # noqa: PT011 - its words are nobody's business
        normalize_address(typed)


@given(
    st.one_of(
        st.text(),
        st.text("htps:/.@?#[]%0129abà "),
        st.from_regex(r"(https?://)?[a-z]{1,9}(:\d+)?(/\S*)?"),
    )
)
def test_any_text(typed: str) -> None:
    """Any text is rejected, or normalized to a stable and plain form."""
    try:
        normal = normalize_address(typed)
    except ValueError:
        return
    assert normalize_address(str(normal)) == normal
    assert normal.scheme in {"http", "https"}
    assert normal.host
    assert not normal.user
    assert not normal.query_string
    assert normal.path != "/"
    assert not normal.path.endswith("/")
