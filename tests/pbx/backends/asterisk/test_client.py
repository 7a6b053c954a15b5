"""Tests of the client, against the ARI stub."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from aiohttp import ClientSession, TCPConnector
import pytest
from yarl import URL

from custom_components.pbx.backends.asterisk import (
    Access,
    AsteriskClient,
    ChannelTemplates,
    Timeouts,
)
from custom_components.pbx.backends.base import Directory, DirectoryExtension, Placed
from custom_components.pbx.backends.errors import (
    CallNotFoundError,
    CallUncertainError,
    PbxError,
    PbxErrorCode,
)
from custom_components.pbx.backends.updates import CallResult
from tests.pbx.ari import NOT_FOUND, PASSWORD, Reply, StubAri

from .scene import OURS, request

SUBSCRIPTION = "applications/ha-test/subscription"
HTML = Reply(404, text="<h1>Not Found</h1>", media_type="text/html")


@contextmanager
def fails(
    code: PbxErrorCode, match: str | None = None
) -> Iterator[pytest.ExceptionInfo[PbxError]]:
    """Expect an error with a code."""
    with pytest.raises(PbxError, match=match) as raised:
        yield raised
    assert raised.value.code is code


async def test_ping(ari: StubAri, client: AsteriskClient) -> None:
    """The permission to write is checked until confirmed, without hanging up a call."""
    await client.ping()
    await client.ping()

    assert ari.paths("GET") == ["asterisk/info"] * 2
    assert ari.paths("DELETE") == ["channels/ha-probe"]


@pytest.mark.parametrize(
    ("method", "path", "reply", "error"),
    [
        (
            "GET",
            "asterisk/info",
            Reply(401, {"message": "no"}),
            PbxErrorCode.INVALID_AUTH,
        ),
        ("GET", "asterisk/info", HTML, PbxErrorCode.NOT_SUPPORTED),
        (
            "GET",
            "asterisk/info",
            Reply(200, text="<html>"),
            PbxErrorCode.UNEXPECTED_ANSWER,
        ),
        ("GET", "asterisk/info", Reply(200, [1]), PbxErrorCode.UNEXPECTED_ANSWER),
        (
            "GET",
            "asterisk/info",
            Reply(200, {"success": 1}),
            PbxErrorCode.UNEXPECTED_ANSWER,
        ),
        (
            "GET",
            "asterisk/info",
            Reply(502, text="<html>"),
            PbxErrorCode.UNEXPECTED_ANSWER,
        ),
        (
            "GET",
            "asterisk/info",
            Reply(302, text="", headers={"Location": "https://pbx.test/"}),
            PbxErrorCode.UNEXPECTED_ANSWER,
        ),
        (
            "GET",
            "asterisk/info",
            Reply(500, {"message": "Broken"}),
            PbxErrorCode.REFUSED,
        ),
        (
            "GET",
            "asterisk/info",
            Reply(429, text="slow"),
            PbxErrorCode.TOO_MANY_REQUESTS,
        ),
        ("GET", "asterisk/info", Reply(fault="reset"), PbxErrorCode.CANNOT_CONNECT),
        ("GET", "asterisk/info", Reply(fault="hang"), PbxErrorCode.TIMEOUT),
        (
            "DELETE",
            "channels",
            Reply(403, {"message": "Write access"}),
            PbxErrorCode.ACCESS_DENIED,
        ),
        ("DELETE", "channels", Reply(500, {"message": "Broken"}), PbxErrorCode.REFUSED),
    ],
)
async def test_ping_fails(
    ari: StubAri,
    client: AsteriskClient,
    method: str,
    path: str,
    reply: Reply,
    error: PbxErrorCode,
) -> None:
    """Each failure has its own error code, and a message without secrets."""
    ari.reply(method, path, reply)

    with fails(error) as raised:
        await client.ping()
    assert PASSWORD not in str(raised.value)


async def test_redirect_is_named(ari: StubAri, client: AsteriskClient) -> None:
    """The target of a redirect is in the message."""
    headers = {"Location": "https://pbx.test/ari?secret=1"}
    ari.reply("GET", "asterisk/info", Reply(301, text="", headers=headers))

    with fails(
        PbxErrorCode.UNEXPECTED_ANSWER, match=r"redirects to https://pbx.test/ari$"
    ):
        await client.ping()


async def test_closed_port(session: ClientSession, access: Access) -> None:
    """A closed port is a failed connection."""
    nowhere = Access(
        base_url=URL("http://127.0.0.1:1/ari"),
        username=access.username,
        password=access.password,
        application=access.application,
    )

    with fails(PbxErrorCode.CANNOT_CONNECT):
        await AsteriskClient(session, nowhere).ping()


async def test_originate(ari: StubAri, client: AsteriskClient) -> None:
    """A call is requested once, completely, and with our own id."""
    placed = await client.originate(request(caller_id="100", caller_name="Front door"))

    assert ari.originated == [
        {
            "endpoint": "PJSIP/557",
            "channelId": OURS,
            "context": "from-internal",
            "extension": "09121234567",
            "priority": 1,
            "callerId": '"Front door" <100>',
            "timeout": 20,
        }
    ]
    assert placed == Placed(OURS)
    assert ari.requests[0].value == {"eventSource": "endpoint:PJSIP/557"}
    assert ari.requests[0].path == SUBSCRIPTION


@pytest.mark.parametrize(
    ("name", "caller_id"),
    [
        (None, "<100>"),
        ("  ", "<100>"),
        ("Küche", '"Küche" <100>'),
        ('a"b\\c<d>', '"abcd" <100>'),
    ],
)
async def test_caller_id(
    ari: StubAri, client: AsteriskClient, name: str | None, caller_id: str
) -> None:
    """A caller name cannot inject another number."""
    await client.originate(request(caller_id="100", caller_name=name))

    assert ari.originated[0]["callerId"] == caller_id


async def test_call_limit(ari: StubAri, client: AsteriskClient) -> None:
    """Asterisk gets a limit of its own, later than the call limit in any case."""
    await client.originate(request(timeout=20, call_limit=60))

    assert ari.originated[0]["variables"] == {"TIMEOUT(absolute)": "160"}


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        ({"ring_tone": "Bellcore-dr2"}, {"Alert-Info": "Bellcore-dr2"}),
        (
            {"auto_answer": True},
            {
                "Call-Info": "<sip:pbx>;answer-after=0",
                "Alert-Info": "info=alert-autoanswer",
            },
        ),
        (
            {"auto_answer": True, "ring_tone": "Bell 2"},
            {"Call-Info": "<sip:pbx>;answer-after=0", "Alert-Info": "Bell 2"},
        ),
    ],
)
@pytest.mark.parametrize(
    ("more", "limit"),
    [
        ({}, {}),
        ({"call_limit": 60}, {"TIMEOUT(absolute)": "160"}),
        ({"group": "ha-group"}, {"TIMEOUT(absolute)": "80"}),
    ],
)
async def test_headers(
    ari: StubAri,
    client: AsteriskClient,
    fields: dict[str, Any],
    headers: dict[str, str],
    more: dict[str, Any],
    limit: dict[str, str],
) -> None:
    """The ring tone and the wish to answer are headers of the first call."""
    await client.originate(request(**fields, **more))

    expected = {f"PJSIP_HEADER(add,{name})": text for name, text in headers.items()}
    assert ari.originated[0]["variables"] == expected | limit


@pytest.mark.parametrize("fields", [{"ring_tone": "Bell"}, {"auto_answer": True}])
@pytest.mark.parametrize("more", [{}, {"group": "ha-group"}])
async def test_no_headers(
    ari: StubAri,
    session: ClientSession,
    access: Access,
    fields: dict[str, Any],
    more: dict[str, Any],
) -> None:
    """Phones that are not rung as PJSIP would not get them, and do not ring."""
    templates = ChannelTemplates("Local/{number}@from-internal")
    client = AsteriskClient(session, access, templates)
    with fails(PbxErrorCode.NO_RING_TONE, "Local$"):
        await client.originate(request(**fields, **more))

    assert ari.requests == []


async def test_outside_caller(ari: StubAri, client: AsteriskClient) -> None:
    """An external caller is dialed through the trunk, whose endpoint is checked."""
    await client.originate(request(caller="+9821", trunk_name="provider"))

    assert ari.originated[0]["endpoint"] == "PJSIP/+9821@provider"
    assert ari.requests[0].value == {"eventSource": "endpoint:PJSIP/provider"}


async def test_templates(ari: StubAri, session: ClientSession, access: Access) -> None:
    """Templates are used; without endpoints, nothing is checked."""
    templates = ChannelTemplates(
        "Local/{number}@from-internal", "DAHDI/g0/{number}{trunk}"
    )
    client = AsteriskClient(session, access, templates)
    await client.originate(request())

    assert ari.originated[0]["endpoint"] == "Local/557@from-internal/n"
    assert SUBSCRIPTION not in ari.paths("POST")


async def test_outside_caller_without_trunk(
    ari: StubAri, session: ClientSession, access: Access
) -> None:
    """If the dialplan selects the trunk, none is named."""
    templates = ChannelTemplates(external="Local/{number}@from-internal")
    client = AsteriskClient(session, access, templates)
    await client.originate(request(caller="0912", is_external=True))

    assert ari.originated[0]["endpoint"] == "Local/0912@from-internal/n"


async def test_unknown_endpoint(ari: StubAri, client: AsteriskClient) -> None:
    """A caller's phone that does not exist is an error, and no call is requested."""
    ari.reply("POST", SUBSCRIPTION, Reply(422, {"message": "Event source"}))

    with fails(PbxErrorCode.ENDPOINT_NOT_FOUND, match="PJSIP/557"):
        await client.originate(request())
    assert ari.originated == []


async def test_application_not_registered(ari: StubAri, client: AsteriskClient) -> None:
    """Without a registered application, a call can be placed unchecked."""
    ari.reply("POST", SUBSCRIPTION, Reply(404, {"message": "Application not found"}))

    assert await client.originate(request())


async def test_cannot_subscribe(ari: StubAri, client: AsteriskClient) -> None:
    """Without valid credentials, no call is requested."""
    ari.reply("POST", SUBSCRIPTION, Reply(403, {"message": "Write access denied"}))

    with fails(PbxErrorCode.ACCESS_DENIED):
        await client.originate(request())
    assert ari.originated == []


async def test_not_registered(ari: StubAri, client: AsteriskClient) -> None:
    """With a phone that is not registered, the call has ended already."""
    ari.reply("POST", "channels", Reply(500, {"error": "Allocation failed"}))

    placed = await client.originate(request())
    assert placed == Placed(OURS, CallResult.CALLER_UNREACHABLE)


async def test_allocation_failed(
    ari: StubAri, session: ClientSession, access: Access
) -> None:
    """A failure with an unchecked endpoint is an error."""
    client = AsteriskClient(session, access, ChannelTemplates("FOO/{number}"))
    ari.reply("POST", "channels", Reply(500, {"error": "Allocation failed"}))

    with fails(PbxErrorCode.REFUSED, match="Allocation failed"):
        await client.originate(request())


async def test_refused(ari: StubAri, client: AsteriskClient) -> None:
    """A refusal has Asterisk's message, without the number."""
    words = {"message": "Extension 09121234567 is wrong"}
    ari.reply("POST", "channels", Reply(400, words))

    with fails(PbxErrorCode.REFUSED, match=r"Extension \*{9}67 is wrong"):
        await client.originate(request())


@pytest.mark.parametrize(
    ("value", "detail"),
    [
        ({"message": ["Wrong", "field"]}, "Wrong, field"),
        ({"message": "", "error": {"reason": "No line"}}, "No line"),
        ({"message": None}, "HTTP 400"),
    ],
)
async def test_reason(
    ari: StubAri, client: AsteriskClient, value: object, detail: str
) -> None:
    """The message is found in any shape."""
    ari.reply("POST", "channels", Reply(400, value))

    with fails(PbxErrorCode.REFUSED) as caught:
        await client.originate(request())
    assert caught.value.detail == detail


async def test_too_many_requests(ari: StubAri, client: AsteriskClient) -> None:
    """A call over the rate limit was certainly not placed."""
    ari.reply("POST", "channels", Reply(429, text="slow", media_type="text/plain"))

    with fails(PbxErrorCode.TOO_MANY_REQUESTS):
        await client.originate(request())


@pytest.mark.parametrize(
    ("reply", "detail"),
    [
        (Reply(fault="hang"), "no response within 2 s"),
        (Reply(fault="reset"), "Server disconnected"),
        (Reply(502, text="<html>", media_type="text/html"), "HTTP 502, text/html"),
    ],
)
async def test_uncertain(
    ari: StubAri, client: AsteriskClient, reply: Reply, detail: str
) -> None:
    """After a lost response, the call is uncertain, and its id is known."""
    ari.reply("POST", "channels", reply)

    with pytest.raises(CallUncertainError) as raised:
        await client.originate(request())
    assert len(ari.originated) == 1
    assert raised.value.call_id == OURS
    assert raised.value.detail == detail


async def test_not_sent(ari: StubAri, session: ClientSession, access: Access) -> None:
    """A request that was not sent has not placed a call."""
    client = AsteriskClient(session, access, ChannelTemplates("Local/{number}@a"))
    await ari.stop()

    with fails(PbxErrorCode.CANNOT_CONNECT) as raised:
        await client.originate(request())
    assert not isinstance(raised.value, CallUncertainError)


async def test_stuck_in_the_queue(ari: StubAri, access: Access) -> None:
    """A request that timed out waiting for a connection was not sent."""
    ari.reply("GET", "asterisk/info", Reply(fault="hang"))
    timeouts = Timeouts(request=0.2)
    async with ClientSession(connector=TCPConnector(limit=1)) as session:
        templates = ChannelTemplates("Local/{number}@a")
        hanging = AsteriskClient(session, access, timeouts=Timeouts(request=60))
        client = AsteriskClient(session, access, templates, timeouts=timeouts)
        blocked = asyncio.ensure_future(hanging.ping())
        while not ari.requests:  # noqa: ASYNC110 - the stub has no event for it
            await asyncio.sleep(0)
        with fails(PbxErrorCode.CANNOT_CONNECT) as raised:
            await client.originate(request())
        blocked.cancel()
    assert not isinstance(raised.value, CallUncertainError)
    assert ari.originated == []


async def test_hang_up(ari: StubAri, client: AsteriskClient) -> None:
    """A call is hung up by its id."""
    ari.reply("DELETE", "channels/ha-1", Reply(204, text=""))
    await client.hang_up("ha-1")
    await client.hang_up("ha-1", reason="answered_elsewhere")

    first, second = ari.requests
    assert (first.path, first.query) == ("channels/ha-1", {})
    assert second.query == {"reason": "answered_elsewhere"}


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(404, NOT_FOUND), PbxErrorCode.CALL_NOT_FOUND),
        (HTML, PbxErrorCode.NOT_SUPPORTED),
        (Reply(403, {"message": "Write access denied"}), PbxErrorCode.ACCESS_DENIED),
    ],
)
async def test_hang_up_fails(
    ari: StubAri, client: AsteriskClient, reply: Reply, error: PbxErrorCode
) -> None:
    """A call that has ended differs from a failure to hang up."""
    ari.reply("DELETE", "channels/ha-1", reply)

    with fails(error) as raised:
        await client.hang_up("ha-1")
    is_gone = error is PbxErrorCode.CALL_NOT_FOUND
    assert isinstance(raised.value, CallNotFoundError) == is_gone


async def test_directory(ari: StubAri, client: AsteriskClient) -> None:
    """Endpoints named by a number are extensions, others are trunks."""
    ari.endpoints += [
        {"technology": "PJSIP", "resource": "21"},
        {"technology": "SIP", "resource": "600"},
        {"technology": "PJSIP"},
        "nonsense",
    ]

    numbers = "21", "552", "557"
    extensions = [DirectoryExtension(number, "") for number in numbers]
    assert await client.directory() == Directory(extensions, ["600", "provider"])


async def test_no_directory(ari: StubAri, client: AsteriskClient) -> None:
    """A directory that cannot be read is an error, not an empty one."""
    ari.reply("GET", "endpoints", Reply(401, {"message": "no"}))

    with fails(PbxErrorCode.INVALID_AUTH):
        await client.directory()
    ari.reply("GET", "endpoints", Reply(200, {"not": "a list"}))
    assert await client.directory() == Directory([], [])


async def test_clock(ari: StubAri, client: AsteriskClient) -> None:
    """The clock offset is read from the responses."""
    ahead = datetime.now(UTC).timestamp() + 90
    date = format_datetime(datetime.fromtimestamp(ahead, UTC), usegmt=True)
    ari.reply("GET", "asterisk/info", Reply(401, {}, headers={"Date": date}))

    assert client.clock_offset == 0
    with fails(PbxErrorCode.INVALID_AUTH):
        await client.ping()
    assert client.clock_offset == pytest.approx(90, abs=1)


def test_no_secret_is_shown(access: Access) -> None:
    """The representation of the access does not contain the password."""
    assert PASSWORD not in repr(access)


async def test_no_secret_in_what_is_chained(
    ari: StubAri, session: ClientSession, access: Access
) -> None:
    """Neither does a traceback."""
    await ari.stop()
    with pytest.raises(PbxError) as raised:
        await AsteriskClient(session, access).ping()

    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__
    assert (access.base_url.host or "") not in str(raised.value)
