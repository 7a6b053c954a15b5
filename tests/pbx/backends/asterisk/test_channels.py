"""Tests of dial strings and channel names."""

from hypothesis import given, strategies as st
import pytest

from custom_components.pbx.backends.asterisk.channels import (
    ChannelTemplates,
    InvalidTemplateError,
    check_external,
    check_internal,
    endpoint_of_channel,
    endpoint_to_ring,
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{number}",
        "PJSIP",
        "PJSIP/",
        "PJSIP/557",
        "/{number}",
        "P JSIP/{number}",
        "PJSIP/{number}@{trunk}",
        "PJSIP/{nummer}",
        "PJSIP/{number",
        "PJSIP/{number}}",
        "PJSIP/{number} ",
        "PJSIP/{number}\n",
        "PJSIP/{number}\x00",
        "Local/{number}@a/{number}",
        "Local/{number}/n@a",
    ],
)
def test_invalid_internal(text: str) -> None:
    """A template has a technology, a slash, and the number."""
    with pytest.raises(InvalidTemplateError):
        check_internal(text)


@pytest.mark.parametrize(
    "text", ["PJSIP/557", "PJSIP/{trunk}", "PJSIP/x@{trunk}", "PJSIP/{number}@{line}"]
)
def test_invalid_outside(text: str) -> None:
    """An external template has the number, and at most the trunk as well."""
    with pytest.raises(InvalidTemplateError):
        check_external(text)


def test_checked_at_once() -> None:
    """Invalid templates are rejected."""
    with pytest.raises(InvalidTemplateError):
        ChannelTemplates(internal="PJSIP")
    with pytest.raises(InvalidTemplateError):
        ChannelTemplates(external="PJSIP/{trunk}")


@pytest.mark.parametrize(
    ("templates", "trunk", "channel"),
    [
        (ChannelTemplates(), None, "PJSIP/557"),
        (ChannelTemplates(), "provider", "PJSIP/557@provider"),
        (ChannelTemplates(), "{number}", "PJSIP/557@557"),
        (ChannelTemplates("Local/{number}@a"), None, "Local/557@a/n"),
        (ChannelTemplates("local/{number}@a/"), None, "local/557@a/n"),
        (ChannelTemplates("Local/{number}@a/n"), None, "Local/557@a/n"),
        (ChannelTemplates("Local/{number}@a/j"), None, "Local/557@a/nj"),
        (ChannelTemplates("Local/{number}@a/jn"), None, "Local/557@a/jn"),
        (ChannelTemplates("Local/{number}"), None, "Local/557/n"),
        (ChannelTemplates(external="Local/{number}@a"), "t", "Local/557@a/n"),
        (
            ChannelTemplates(external="PJSIP/{trunk}/sip:{number}@h"),
            "t",
            "PJSIP/t/sip:557@h",
        ),
        (ChannelTemplates(external="DAHDI/{trunk}/{number}"), "g0", "DAHDI/g0/557"),
    ],
)
def test_channel(templates: ChannelTemplates, trunk: str | None, channel: str) -> None:
    """A number is dialed with the internal template, or the external one.

    A Local channel is not optimized away.
    """
    assert templates.channel("557", trunk) == channel


@pytest.mark.parametrize(
    ("outside", "channel"),
    [
        ("Local/{number}@from-internal", "Local/0912@from-internal/n"),
        ("PJSIP/{number}@provider", "PJSIP/0912@provider"),
        ("PJSIP/{number}@{trunk}", "PJSIP/0912"),
    ],
)
def test_outside_without_trunk(outside: str, channel: str) -> None:
    """Without a trunk field, an external number needs no trunk."""
    templates = ChannelTemplates(external=outside)

    assert templates.channel("0912", None, is_external=True) == channel
    assert templates.channel("557", None) == "PJSIP/557"


@pytest.mark.parametrize(
    ("internal", "endpoint", "extension"),
    [
        ("PJSIP/{number}", "PJSIP/557", "557"),
        ("PJSIP/{number}", "PJSIP/provider", ""),
        ("PJSIP/{number}", "SIP/557", ""),
        ("PJSIP/{number}", "PJSIP/", ""),
        ("PJSIP/{number}", "PJSIP/\u0665", ""),
        ("PJSIP/p{number}x", "PJSIP/p557x", "557"),
        ("PJSIP/p{number}x", "PJSIP/557", ""),
        ("PJSIP/aa{number}aa", "PJSIP/aaa", ""),
        ("PJSIP/{number}@a", "PJSIP/557", "557"),
        ("PJSIP/{number}/sip:{number}@h", "PJSIP/557", "557"),
        ("PJSIP/gw/sip:{number}@h", "PJSIP/557", ""),
        ("pjsip/{number}", "PJSIP/557", "557"),
        ("PJSIP/{number}", "pjsip/557", "557"),
        ("DAHDI/{number}", "DAHDI/557", "557"),
        ("Local/{number}@a", "PJSIP/557", "557"),
        ("Local/{number}@a", "SIP/557", "557"),
        ("Local/{number}@a", "PJSIP/provider", ""),
        ("Local/{number}@a", "Local/557@a", ""),
        ("Local/9{number}@a", "PJSIP/557", "557"),
    ],
)
def test_extension(internal: str, endpoint: str, extension: str) -> None:
    """An endpoint is an extension if its name matches the template with a number."""
    assert ChannelTemplates(internal).extension(endpoint) == extension


@pytest.mark.parametrize(
    ("name", "endpoint"),
    [
        ("PJSIP/557-0000001a", "PJSIP/557"),
        ("PJSIP/my-phone-0000001a", "PJSIP/my-phone"),
        ("Local/557@a-0000001a;1", "Local/557@a"),
        ("PJSIP/557", "PJSIP/557"),
        ("", ""),
    ],
)
def test_endpoint_of_channel(name: str, endpoint: str) -> None:
    """A channel is named after its endpoint."""
    assert endpoint_of_channel(name) == endpoint


@pytest.mark.parametrize(
    ("channel", "endpoint"),
    [
        ("PJSIP/557", "PJSIP/557"),
        ("PJSIP/0912@provider", "PJSIP/provider"),
        ("pjsip/557", "PJSIP/557"),
        ("PJSIP/provider/sip:0912@example.com", "PJSIP/provider"),
        ("PJSIP/0912@provider/sip:1@example.com", "PJSIP/provider"),
        ("SIP/provider/0912", "SIP/provider"),
        ("SIP/0912@example.com", None),
        ("IAX2/me:secret@example.com/0912", None),
        ("local/557@from-internal", None),
        ("Local/557@from-internal", None),
        ("DAHDI/g0/0912", None),
    ],
)
def test_endpoint_to_ring(channel: str, endpoint: str | None) -> None:
    """A dial string rings an endpoint, if its technology has endpoints."""
    assert endpoint_to_ring(channel) == endpoint


@given(st.text(), st.text())
def test_any_template(internal: str, endpoint: str) -> None:
    """Any text is rejected, or is a template that round-trips a number."""
    try:
        templates = ChannelTemplates(internal)
    except InvalidTemplateError:
        return
    assert "{" not in templates.channel("557", None)
    number = templates.extension(endpoint)
    assert not number or number.isdigit()
