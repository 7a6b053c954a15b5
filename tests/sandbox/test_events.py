"""Tests of the events that a web service receives."""

import asyncio
from dataclasses import replace

import pytest

from sandbox import EventPush

from .helpers import LOGIN, PING, Pbx, Receiver, basic, until


def _push(pbx: Pbx, receiver: Receiver, **changes: object) -> None:
    push = EventPush(url=receiver.url)
    pbx.sandbox.configure(events=replace(push, **changes))  # type: ignore[arg-type]


async def _ping(pbx: Pbx) -> None:
    assert (await pbx.post(PING)).json["success"] == 1
    await pbx.clock.settle()


async def _call(pbx: Pbx) -> None:
    await pbx.originate("101", "09121234567")
    await pbx.clock.advance(60)


async def test_post_g4(pbx: Pbx, receiver: Receiver) -> None:
    """All to one address, as JSON, without credentials."""
    _push(pbx, receiver)
    await _ping(pbx)
    (event,) = receiver.events
    assert (event.method, event.path) == ("POST", "/hook")
    assert event.fields == {"event_name": "Ping"}
    assert event.headers["Content-Type"] == "application/json"
    assert "Authorization" not in event.headers


async def test_post_rest4(pbx: Pbx, receiver: Receiver) -> None:
    """The event's name is appended to the address."""
    _push(pbx, receiver, style="rest4", url=receiver.url + "/")
    await _ping(pbx)
    assert receiver.events[0].path == "/hook/Ping"
    assert receiver.events[0].fields == {"event_name": "Ping"}


async def test_get(pbx: Pbx, receiver: Receiver) -> None:
    """Query parameters, after any that the address already has."""
    _push(pbx, receiver, method="get", url=receiver.url + "?token=a%2Fb")
    await _call(pbx)
    assert {event.method for event in receiver.events} == {"GET"}
    (cdr,) = receiver.of("Cdr")
    assert cdr["token"] == "a/b"
    assert (cdr["dst"], cdr["billsec"]) == ("09121234567", "20")


async def test_with_basic_credentials(pbx: Pbx, receiver: Receiver) -> None:
    """In UTF-8, as passwords may be Persian."""
    _push(pbx, receiver, username="homeassistant", password="sandbox-password")
    await _ping(pbx)
    assert receiver.events[0].headers["Authorization"] == LOGIN
    _push(pbx, receiver, username="خانه", password="رمز")
    await _ping(pbx)
    assert receiver.events[1].headers["Authorization"] == basic("خانه", "رمز")


async def test_only_what_is_enabled(pbx: Pbx, receiver: Receiver) -> None:
    """And nothing that is lost on the way."""
    _push(pbx, receiver, enabled=("Cdr", "OutgoingCall"), drop=("OutgoingCall",))
    await _ping(pbx)
    await _call(pbx)
    assert receiver.names() == ["Cdr"]


async def test_nothing_without_an_address(pbx: Pbx, receiver: Receiver) -> None:
    """Events are off until they are set up."""
    await _call(pbx)
    assert receiver.events == []


async def test_the_originated_call_s_id(pbx: Pbx, receiver: Receiver) -> None:
    """The tables list it, the samples leave it out: both can be had."""
    _push(pbx, receiver)
    await _call(pbx)
    call = pbx.sandbox.calls[0]
    for name in ("OutgoingCall", "Cdr"):
        assert receiver.of(name)[0]["originated_call_id"] == call.id
    assert "originated_call_id" not in receiver.of("NewState")[0]
    receiver.events.clear()
    _push(pbx, receiver, with_originated_call_id=False)
    await _call(pbx)
    assert receiver.of("Cdr")
    assert not any("originated_call_id" in event.fields for event in receiver.events)


async def test_other_names_and_values(pbx: Pbx, receiver: Receiver) -> None:
    """Everything that the documents show to vary."""
    _push(
        pbx,
        receiver,
        cdr_name="CDR",
        name_field="event",
        id_field="cuid",
        values="title",
        numbers="numbers",
        dates="jalali",
        style="rest4",
    )
    await _call(pbx)
    event = receiver.events[-1]
    assert event.path == "/hook/CDR"
    assert event.fields["event"] == "CDR"
    assert event.fields["cuid"] == pbx.sandbox.calls[0].unique_id
    assert event.fields["disposition"] == "Answered"
    assert event.fields["dst"] == 9121234567
    assert event.fields["billsec"] == 20
    assert event.fields["starttime"].startswith("1402-")


async def test_copies(pbx: Pbx, receiver: Receiver) -> None:
    """Each event may come twice."""
    _push(pbx, receiver, copies=2)
    await _ping(pbx)
    assert receiver.names() == ["Ping", "Ping"]


async def test_delay(pbx: Pbx, receiver: Receiver) -> None:
    """Each event may come late, by the sandbox's clock."""
    _push(pbx, receiver, delay=3.0)
    await _ping(pbx)
    await pbx.clock.advance(2)
    assert receiver.events == []
    await pbx.clock.advance(1)
    assert receiver.names() == ["Ping"]
    # One that is still on its way is forgotten when the sandbox stops.
    await _ping(pbx)
    assert pbx.clock.pending == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "500 Internal Server Error"),
        ({"url": "http://127.0.0.1:9"}, "Cannot connect"),
        ({"url": "http://127.0.0.1:99999/"}, ""),
    ],
)
async def test_a_failure_is_one_line_and_harms_no_call(
    pbx: Pbx,
    receiver: Receiver,
    lines: list[str],
    changes: dict[str, str],
    reason: str,
) -> None:
    """The call goes on as if nothing were."""
    receiver.status = 500
    _push(pbx, receiver, enabled=("Cdr",), **changes)
    await _call(pbx)
    assert pbx.sandbox.calls[0].result == "answered"
    failures = [line for line in lines if "not delivered" in line]
    assert len(failures) == 1
    assert "event Cdr not delivered" in failures[0]
    assert reason in failures[0]


async def test_stopping_with_events_on_their_way(pbx: Pbx, receiver: Receiver) -> None:
    """Nothing is left behind: the fixture checks it."""
    _push(pbx, receiver)
    await pbx.post(PING)


@pytest.mark.parametrize("turns", range(20))
async def test_none_is_left_behind(pbx: Pbx, receiver: Receiver, turns: int) -> None:
    """One that happens while the connection of those before is closed is sent, too."""
    _push(pbx, receiver, enabled=("IncomingCall",))
    pbx.sandbox.incoming("09121234567", "101")
    await until(lambda: len(receiver.events) == 1)
    for _ in range(turns):
        await asyncio.sleep(0)
    pbx.sandbox.incoming("09121234567", "102")
    await until(lambda: len(receiver.events) == 2)
