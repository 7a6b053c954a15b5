"""Tests of the client, against a stub of the REST interface."""

from email.utils import format_datetime
from typing import Any

from aiohttp import ClientSession
from homeassistant.util import dt as dt_util
import pytest
from yarl import URL

from custom_components.pbx.backends.asterisk import (
    Access,
    AsteriskClient,
    ChannelTemplates,
    Patience,
)
from custom_components.pbx.backends.asterisk.errors import (
    AriCredentialsError,
    AriDisabledError,
    EndpointNotFoundError,
    NotAsteriskError,
    ReadOnlyError,
)
from custom_components.pbx.backends.base import (
    CallError,
    CallerUnreachableError,
    CallNotFoundError,
    CallRequest,
    CallUncertainError,
    CannotConnectError,
    Extension,
    PbxError,
    RefusedError,
    RequestTimeoutError,
    TooManyRequestsError,
)
from tests.pbx.ari import NOT_FOUND, PASSWORD, Reply, StubAri

SUBSCRIPTION = "applications/ha-test/subscription"
HTML = Reply(404, text="<h1>Not Found</h1>", media_type="text/html")


def request(**fields: Any) -> CallRequest:  # noqa: ANN401 - any field of a request
    """Return a request for a call."""
    given = {
        "caller": "557",
        "callee": "09121234567",
        "context": "from-internal",
        "caller_id": "100",
        "trunk_name": None,
        "timeout": 20,
        "call_limit": None,
        **fields,
    }
    return CallRequest(**given)


async def test_ping(ari: StubAri, client: AsteriskClient) -> None:
    """Whether we may write is asked until it is known, and by ending no call."""
    await client.ping()
    await client.ping()

    assert ari.paths("GET") == ["asterisk/info"] * 2
    assert ari.paths("DELETE") == ["channels/ha-probe"]


@pytest.mark.parametrize(
    ("method", "path", "reply", "error"),
    [
        ("GET", "asterisk/info", Reply(401, {"message": "no"}), AriCredentialsError),
        ("GET", "asterisk/info", HTML, AriDisabledError),
        ("GET", "asterisk/info", Reply(200, text="<html>"), NotAsteriskError),
        ("GET", "asterisk/info", Reply(200, [1]), NotAsteriskError),
        ("GET", "asterisk/info", Reply(200, {"success": 1}), NotAsteriskError),
        ("GET", "asterisk/info", Reply(502, text="<html>"), NotAsteriskError),
        (
            "GET",
            "asterisk/info",
            Reply(302, text="", headers={"Location": "https://pbx.test/"}),
            NotAsteriskError,
        ),
        ("GET", "asterisk/info", Reply(500, {"message": "Broken"}), RefusedError),
        ("GET", "asterisk/info", Reply(429, text="slow"), TooManyRequestsError),
        ("GET", "asterisk/info", Reply(fault="reset"), CannotConnectError),
        ("GET", "asterisk/info", Reply(fault="hang"), RequestTimeoutError),
        ("DELETE", "channels", Reply(403, {"message": "Write access"}), ReadOnlyError),
        ("DELETE", "channels", Reply(500, {"message": "Broken"}), RefusedError),
    ],
)
async def test_ping_fails(
    ari: StubAri,
    client: AsteriskClient,
    method: str,
    path: str,
    reply: Reply,
    error: type[PbxError],
) -> None:
    """Each fault has an error of its own, whose words hold no secret."""
    ari.reply(method, path, reply)

    with pytest.raises(error) as raised:
        await client.ping()
    assert type(raised.value) is error
    assert PASSWORD not in str(raised.value)


async def test_redirect_is_named(ari: StubAri, client: AsteriskClient) -> None:
    """Where a redirect points to is told, so that it can be typed in."""
    headers = {"Location": "https://pbx.test/ari?secret=1"}
    ari.reply("GET", "asterisk/info", Reply(301, text="", headers=headers))

    with pytest.raises(NotAsteriskError, match=r"redirects to https://pbx.test/ari$"):
        await client.ping()


async def test_nobody_there(session: ClientSession, access: Access) -> None:
    """An address where nothing listens is one that cannot be connected to."""
    nowhere = Access(
        base_url=URL("http://127.0.0.1:1/ari"),
        username=access.username,
        password=access.password,
        application=access.application,
    )

    with pytest.raises(CannotConnectError):
        await AsteriskClient(session, nowhere).ping()


async def test_originate(ari: StubAri, client: AsteriskClient) -> None:
    """A call is asked for once, whole, and with an id of our own."""
    call_id = await client.originate(request(caller_name="Front door"))

    assert ari.originated == [
        {
            "endpoint": "PJSIP/557",
            "channelId": call_id,
            "context": "from-internal",
            "extension": "09121234567",
            "priority": 1,
            "callerId": '"Front door" <100>',
            "timeout": 20,
        }
    ]
    assert call_id.startswith("ha-")
    assert ari.asked[0].value == {"eventSource": "endpoint:PJSIP/557"}
    assert ari.asked[0].path == SUBSCRIPTION


async def test_ids_differ(client: AsteriskClient) -> None:
    """No two calls have one id."""
    ids = {await client.originate(request()) for _ in range(10)}

    assert len(ids) == 10


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
    """No name can end itself early and pass for another number."""
    await client.originate(request(caller_name=name))

    assert ari.originated[0]["callerId"] == caller_id


async def test_call_limit(ari: StubAri, client: AsteriskClient) -> None:
    """Asterisk holds a limit of its own, later than ours in any case."""
    await client.originate(request(timeout=20, call_limit=60))

    assert ari.originated[0]["variables"] == {"TIMEOUT(absolute)": "160"}


async def test_outside_caller(ari: StubAri, client: AsteriskClient) -> None:
    """A caller behind a trunk is rung by it, and the trunk is what has to exist."""
    await client.originate(request(caller="+9821", trunk_name="provider"))

    assert ari.originated[0]["endpoint"] == "PJSIP/+9821@provider"
    assert ari.asked[0].value == {"eventSource": "endpoint:PJSIP/provider"}


async def test_templates(ari: StubAri, session: ClientSession, access: Access) -> None:
    """Phones are rung as the owner says; where there are no endpoints, unasked."""
    templates = ChannelTemplates(
        "Local/{number}@from-internal", "DAHDI/g0/{number}{trunk}"
    )
    client = AsteriskClient(session, access, templates)
    await client.originate(request())

    assert ari.originated[0]["endpoint"] == "Local/557@from-internal"
    assert SUBSCRIPTION not in ari.paths("POST")


async def test_unknown_endpoint(ari: StubAri, client: AsteriskClient) -> None:
    """A caller's phone that does not exist is told, and no call is asked for."""
    ari.reply("POST", SUBSCRIPTION, Reply(422, {"message": "Event source"}))

    with pytest.raises(EndpointNotFoundError, match="PJSIP/557"):
        await client.originate(request())
    assert ari.originated == []


async def test_nobody_listens(ari: StubAri, client: AsteriskClient) -> None:
    """Without an application there is nothing to subscribe; a call can be placed."""
    ari.reply("POST", SUBSCRIPTION, Reply(404, {"message": "Application not found"}))

    assert await client.originate(request())


async def test_cannot_subscribe(ari: StubAri, client: AsteriskClient) -> None:
    """A PBX that does not let us in is asked for no call."""
    ari.reply("POST", SUBSCRIPTION, Reply(403, {"message": "Write access denied"}))

    with pytest.raises(ReadOnlyError):
        await client.originate(request())
    assert ari.originated == []


async def test_not_registered(ari: StubAri, client: AsteriskClient) -> None:
    """A phone that exists and is not there is a call that has ended already."""
    ari.reply("POST", "channels", Reply(500, {"error": "Allocation failed"}))

    with pytest.raises(CallerUnreachableError) as raised:
        await client.originate(request())
    assert raised.value.originated_call_id == ari.originated[0]["channelId"]


async def test_allocation_failed(
    ari: StubAri, session: ClientSession, access: Access
) -> None:
    """A channel of which nothing is known may be one that there cannot be."""
    client = AsteriskClient(session, access, ChannelTemplates("FOO/{number}"))
    ari.reply("POST", "channels", Reply(500, {"error": "Allocation failed"}))

    with pytest.raises(RefusedError, match="Allocation failed"):
        await client.originate(request())


async def test_refused(ari: StubAri, client: AsteriskClient) -> None:
    """What Asterisk does not take is told in its words, without the number."""
    words = {"message": "Extension 09121234567 is wrong"}
    ari.reply("POST", "channels", Reply(400, words))

    with pytest.raises(RefusedError, match=r"Extension \*{9}67 is wrong"):
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
    """Its words are found in whatever shape they are."""
    ari.reply("POST", "channels", Reply(400, value))

    with pytest.raises(RefusedError) as caught:
        await client.originate(request())
    assert caught.value.detail == detail


async def test_too_many_requests(ari: StubAri, client: AsteriskClient) -> None:
    """A call that was one too many was not placed, and that is certain."""
    ari.reply("POST", "channels", Reply(429, text="slow", media_type="text/plain"))

    with pytest.raises(TooManyRequestsError):
        await client.originate(request())


@pytest.mark.parametrize(
    "reply", [Reply(fault="hang"), Reply(fault="reset"), Reply(502, text="<html>")]
)
async def test_uncertain(ari: StubAri, client: AsteriskClient, reply: Reply) -> None:
    """After a lost answer there may be a call, whose id is known all the same."""
    ari.reply("POST", "channels", reply)

    with pytest.raises(CallUncertainError) as raised:
        await client.originate(request())
    (asked,) = ari.originated
    assert raised.value.originated_call_id == asked["channelId"]
    assert not isinstance(raised.value, CallerUnreachableError)


async def test_not_sent(ari: StubAri, session: ClientSession, access: Access) -> None:
    """A request that never left has placed no call."""
    client = AsteriskClient(session, access, ChannelTemplates("Local/{number}@a"))
    await ari.stop()

    with pytest.raises(CannotConnectError) as raised:
        await client.originate(request())
    assert not isinstance(raised.value, CallError)


async def test_stuck_in_the_queue(ari: StubAri, access: Access) -> None:
    """A request that waited for a free connection all the time has not left."""
    from aiohttp import TCPConnector  # noqa: PLC0415 - this test alone

    ari.reply("GET", "asterisk/info", Reply(fault="hang"))
    patience = Patience(request=0.2)
    async with ClientSession(connector=TCPConnector(limit=1)) as session:
        templates = ChannelTemplates("Local/{number}@a")
        hanging = AsteriskClient(session, access, patience=Patience(request=60))
        client = AsteriskClient(session, access, templates, patience=patience)
        import asyncio  # noqa: PLC0415 - likewise

        blocked = asyncio.ensure_future(hanging.ping())
        while not ari.asked:  # noqa: ASYNC110 - the stub tells nobody
            await asyncio.sleep(0)
        with pytest.raises(CannotConnectError) as raised:
            await client.originate(request())
        blocked.cancel()
    assert not isinstance(raised.value, CallError)
    assert ari.originated == []


async def test_hang_up(ari: StubAri, client: AsteriskClient) -> None:
    """A call is ended by its id."""
    ari.reply("DELETE", "channels/ha-1", Reply(204, text=""))
    await client.hang_up("ha-1")

    assert ari.paths("DELETE") == ["channels/ha-1"]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(404, NOT_FOUND), CallNotFoundError),
        (HTML, AriDisabledError),
        (Reply(403, {"message": "Write access denied"}), ReadOnlyError),
    ],
)
async def test_hang_up_fails(
    ari: StubAri, client: AsteriskClient, reply: Reply, error: type[PbxError]
) -> None:
    """A call that is over is told from a PBX that does not end it."""
    ari.reply("DELETE", "channels/ha-1", reply)

    with pytest.raises(error):
        await client.hang_up("ha-1")


async def test_directory(ari: StubAri, client: AsteriskClient) -> None:
    """Endpoints are phones if they are called by a number, and else trunks."""
    ari.endpoints += [
        {"technology": "PJSIP", "resource": "21"},
        {"technology": "SIP", "resource": "600"},
        {"technology": "PJSIP"},
        "nonsense",
    ]

    assert await client.extensions() == [
        Extension("21", ""),
        Extension("552", ""),
        Extension("557", ""),
    ]
    assert await client.trunks() == ["600", "provider"]


async def test_no_directory(ari: StubAri, client: AsteriskClient) -> None:
    """A directory that cannot be read is an error, not an empty one."""
    ari.reply("GET", "endpoints", Reply(401, {"message": "no"}))

    with pytest.raises(AriCredentialsError):
        await client.extensions()
    ari.reply("GET", "endpoints", Reply(200, {"not": "a list"}))
    assert await client.extensions() == []


async def test_clock(ari: StubAri, client: AsteriskClient) -> None:
    """The PBX's clock is read off its answers."""
    ahead = dt_util.utcnow().timestamp() + 90
    date = format_datetime(dt_util.utc_from_timestamp(ahead), usegmt=True)
    ari.reply("GET", "asterisk/info", Reply(401, {}, headers={"Date": date}))

    assert client.clock_offset == 0
    with pytest.raises(AriCredentialsError):
        await client.ping()
    assert client.clock_offset == pytest.approx(90, abs=1)


def test_ways(client: AsteriskClient) -> None:
    """It tells by a connection of ours alone, and leaves limits to us."""
    assert client.report is None
    assert client.pushed_events is None
    assert client.event_stream is not None
    assert client.can_hang_up
    assert not client.enforces_limits


def test_no_secret_is_shown(access: Access) -> None:
    """What stands for the access in a message does not hold the password."""
    assert PASSWORD not in repr(access)
