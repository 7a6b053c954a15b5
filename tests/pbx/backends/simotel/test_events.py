"""Tests of events: tables, arbitrary input, and the sandbox's events."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
import math
from typing import Any

from aiohttp import web
from hypothesis import given, strategies as st
import pytest

from custom_components.pbx.backends.base import PING, CallRequest
from custom_components.pbx.backends.simotel import SimotelClient
from custom_components.pbx.backends.simotel.events import Event, parse_event
from custom_components.pbx.backends.updates import (
    CallResult,
    CallState,
    CallUpdate,
    Direction,
    ExtensionState,
    ExtensionUpdate,
    VoicemailUpdate,
)
from sandbox import EventPush, ManualClock, Sandbox

ID = "orig.call.1683107010.780601"
UNIQUE_ID = "1610778618.378"
BEGAN = 1610778618
CDR: dict[str, object] = {
    "event_name": "Cdr",
    "starttime": "2021-01-16 06:30:37.471398",
    "endtime": "2021-01-16 06:30:57.471398",
    "src": "991",
    "dst": "993",
    "type": "local",
    "disposition": "ANSWERED",
    "duration": "20",
    "billsec": 9,
    "wait": "11",
    "record": "20210116_1610778618.378.mp3",
    "unique_id": "1610778618.378",
    "originated_call_id": ID,
}
IN_USE: dict[str, object] = {
    "event_name": "NewState",
    "exten": "993",
    "state": "InUse",
    "participant": "991",
    "direction": "in",
    "unique_id": "1610778618.378",
}
ENDED = CallUpdate(
    state=CallState.ENDED,
    call_id=UNIQUE_ID,
    originated_call_id=ID,
    direction=Direction.INTERNAL,
    caller="991",
    callee="993",
    result=CallResult.ANSWERED,
    ring_time=11,
    talk_time=9,
    began_at=BEGAN,
)
CONNECTED = CallUpdate(
    state=CallState.CONNECTED,
    call_id=UNIQUE_ID,
    caller="991",
    callee="993",
    answered_by="993",
    began_at=BEGAN,
)
# A mailbox has answered.
MAILBOX = CallUpdate(state=CallState.PLACED, call_id=UNIQUE_ID, is_unattended=True)

# Every documented event that is used, after its sample, and its result.
DOCUMENTED: list[tuple[dict[str, object], Event]] = [
    (
        IN_USE | {"direction": "out"},
        Event(
            name="newstate",
            extension=ExtensionUpdate(
                "993", ExtensionState.IN_USE, "991", Direction.OUTGOING
            ),
            unique_id=UNIQUE_ID,
        ),
    ),
    (
        IN_USE,
        Event(
            name="newstate",
            call=CONNECTED,
            extension=ExtensionUpdate(
                "993", ExtensionState.IN_USE, "991", Direction.INCOMING
            ),
            unique_id=UNIQUE_ID,
        ),
    ),
    (
        {"event_name": "NewState", "exten": 991, "state": "Pause"},
        Event(name="newstate", extension=ExtensionUpdate("991", ExtensionState.PAUSED)),
    ),
    (
        {"event_name": "NewState", "exten": 991, "state": "Unavailable"},
        Event(
            name="newstate", extension=ExtensionUpdate("991", ExtensionState.OFFLINE)
        ),
    ),
    (
        {"event_name": "NewState", "exten": 991, "state": "Dreaming"},
        Event(name="newstate", extension=ExtensionUpdate("991", None)),
    ),
    (
        {
            "event_name": "IncomingCall",
            "number": "09331112233",
            "unique_id": "1812081675.213",
            "entry_point": "to_simo_51_20",
            "originated_call_id": ID,
        },
        Event(
            name="incomingcall",
            call=CallUpdate(
                state=CallState.PLACED,
                call_id="1812081675.213",
                originated_call_id=ID,
                direction=Direction.INCOMING,
                caller="09331112233",
                trunk="to_simo_51_20",
            ),
            unique_id="1812081675.213",
        ),
    ),
    (
        {
            "event_name": "OutgoingCall",
            "number": 999,
            "cuid": "1610781425.388",
            "entry_point": "E1",
        },
        Event(
            name="outgoingcall",
            call=CallUpdate(
                state=CallState.PLACED,
                call_id="1610781425.388",
                direction=Direction.OUTGOING,
                callee="999",
                trunk="E1",
            ),
            unique_id="1610781425.388",
        ),
    ),
    (
        CDR | {"type": "outgoing", "outgoing_point": "E1", "poll_point": "10"},
        Event(
            name="cdr",
            call=replace(ENDED, direction=Direction.OUTGOING, trunk="E1"),
            unique_id=UNIQUE_ID,
        ),
    ),
    (
        {
            "event_name": "CdrQueue",
            "unique_id": "1610782193.391",
            "src": "992",
            "dst": "993",
            "queue": "902",
            "billsec": "31",
            "wait": "3",
            "duration": "34",
            "agent_wait": "2",
            "disposition": "LOST",
            "hangup": "agent",
            "queue_status": "CONTINUE",
            "record": "20210116_1610782193.391.mp3",
            "detail": [{"src": "992", "tries": "1"}],
        },
        Event(
            name="cdrqueue",
            call=CallUpdate(
                state=CallState.ENDED,
                call_id="1610782193.391",
                caller="992",
                callee="993",
                result=CallResult.UNDETERMINED,
                is_provisional=True,
                ring_time=3,
                talk_time=31,
                began_at=1610782193,
            ),
            unique_id="1610782193.391",
        ),
    ),
    (
        {
            "event_name": "VoiceMail",
            "id": "5fedc3b31b05af9835bbcfdd",
            "number": "5555",
            "state": "SUCCESS",
            "date": "2020-12-31 12:27:31.752195",
            "filename": "5555_1609417639-vm-record-file-8766.wav",
            "duration": "1",
            "caller": "992",
            "unique_id": UNIQUE_ID,
        },
        Event(
            name="voicemail",
            call=MAILBOX,
            voicemail=VoicemailUpdate("5555", "992", 1, "success"),
            unique_id=UNIQUE_ID,
        ),
    ),
    (
        {
            "event_name": "VoiceMail",
            "number": "5555",
            "state": "FAILED",
            "message": "Hangup call",
            "duration": "",
        },
        Event(name="voicemail", voicemail=VoicemailUpdate("5555", state="failed")),
    ),
    ({"event_name": "Ping"}, Event(name=PING)),
]


def call_of(fields: dict[str, object]) -> CallUpdate | None:
    """Return the call update of a known event."""
    event = parse_event(fields)
    assert event.name
    return event.call


@pytest.mark.parametrize(("fields", "event"), DOCUMENTED)
def test_documented(fields: dict[str, object], event: Event) -> None:
    """Every documented event is parsed."""
    assert parse_event(fields) == event


@pytest.mark.parametrize("key", ["event_name", "event", "Event-Name", "EVENT"])
@pytest.mark.parametrize("name", ["Cdr", "CDR", "cdr", " Cdr\n"])
def test_name(key: str, name: str) -> None:
    """An event is known by its name in any spelling, under any of its keys."""
    fields = {k: v for k, v in CDR.items() if k != "event_name"} | {key: name}

    assert parse_event(fields) == parse_event(CDR)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("newstate", "newstate"),
        ("new_state", "newstate"),
        ("CDRQueue", "cdrqueue"),
        ("Voicemail", "voicemail"),
        ("ping", PING),
    ],
)
def test_other_spellings(name: str, known: str) -> None:
    """All spellings of names in the documents are accepted."""
    assert parse_event({"event_name": name}).name == known


def test_name_that_is_known_counts() -> None:
    """An unknown or unused name does not hide a known one."""
    for other in ("x", "Transfer"):
        assert parse_event({"event_name": other, "event": "Ping"}).name == PING


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"event_name": ""},
        {"event_name": None},
        {"event_name": ["Cdr"]},
        {"event_name": {"Cdr": "Cdr"}},
        {"event_name": "VoiceMailEmail"},
        {"name": "Cdr"},
    ],
)
def test_unknown(fields: dict[str, object]) -> None:
    """An unknown event is ignored."""
    assert parse_event(fields) == Event()


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("Transfer", "transfer"),
        ("TrunkNewState", "trunknewstate"),
        ("incoming_fax", "incomingfax"),
    ],
)
def test_unread(name: str, known: str) -> None:
    """An unused event only shows that events arrive."""
    assert parse_event({**CDR, "event_name": name}) == Event(name=known)


@pytest.mark.parametrize(
    ("disposition", "result"),
    [
        ("ANSWERED", CallResult.ANSWERED),
        ("Answered", CallResult.ANSWERED),
        (" answered ", CallResult.ANSWERED),
        ("NO ANSWER", CallResult.NO_ANSWER),
        ("No Answered", CallResult.NO_ANSWER),
        ("no_answer", CallResult.NO_ANSWER),
        ("NOANSWER", CallResult.NO_ANSWER),
        ("BUSY", CallResult.BUSY),
        ("Busy", CallResult.BUSY),
        ("FAILED", CallResult.FAILED),
        ("Failed", CallResult.FAILED),
        ("CONGESTION", CallResult.FAILED),
        ("CANCEL", CallResult.NO_ANSWER),
        ("Cancelled by caller", CallResult.NO_ANSWER),
        ("REJECTED", CallResult.DECLINED),
        ("CALL_REJECTED", CallResult.DECLINED),
        ("Declined", CallResult.DECLINED),
        # Unknown dispositions are ends, too.
        ("TIMEOUT", CallResult.UNDETERMINED),
        ("پاسخ داده نشد", CallResult.UNDETERMINED),
        ("", CallResult.UNDETERMINED),
        (None, CallResult.UNDETERMINED),
        (1, CallResult.UNDETERMINED),
    ],
)
def test_disposition(disposition: object, result: CallResult) -> None:
    """A disposition means the same in any spelling."""
    # The leg of another phone may still have been answered.
    is_provisional = result is not CallResult.ANSWERED
    expected = replace(ENDED, result=result, is_provisional=is_provisional)
    assert call_of(CDR | {"disposition": disposition}) == expected


@pytest.mark.parametrize(
    ("unique_id", "began_at"),
    [
        ("1703145054.12", 1703145054),
        ("pbx-1-1703145054.12", 1703145054),
        ("17.1", None),
        ("1703145054", None),
        ("", None),
    ],
)
def test_beginning(unique_id: str, began_at: float | None) -> None:
    """The id of a conversation contains the time of its beginning."""
    for fields in (CDR, IN_USE):
        update = call_of(fields | {"unique_id": unique_id, "cuid": ""})
        assert update is not None
        assert update.began_at == began_at


NOBODY = {"originated_call_id": "", "unique_id": ""}
UNREACHABLE = replace(ENDED, result=CallResult.CALLER_UNREACHABLE, is_provisional=True)


@pytest.mark.parametrize(
    ("changes", "update"),
    [
        ({"type": "Incoming"}, replace(ENDED, direction=Direction.INCOMING)),
        ({"type": "feature"}, ENDED),
        ({"type": None}, replace(ENDED, direction=None)),
        ({"originated_call_id": ""}, replace(ENDED, originated_call_id="")),
        (
            {"originated_call_id": "", "type": "Incoming"},
            replace(
                ENDED,
                originated_call_id="",
                direction=Direction.INCOMING,
                is_provisional=True,
            ),
        ),
        ({"originated_call_id": f" {ID} "}, ENDED),
        ({"src": 991, "dst": 993.0}, ENDED),
        ({"src": ""}, replace(ENDED, caller="")),
        (NOBODY, replace(ENDED, originated_call_id="", call_id="", began_at=None)),
        (NOBODY | {"src": ""}, None),
        (NOBODY | {"dst": None}, None),
        (NOBODY | {"dst": "failed"}, None),
        ({"wait": "", "billsec": None}, replace(ENDED, ring_time=None, talk_time=None)),
        (
            {"wait": "-1", "billsec": "nan"},
            replace(ENDED, ring_time=None, talk_time=None),
        ),
        ({"wait": 11.5}, replace(ENDED, ring_time=11.5)),
        (
            {"dst": "failed", "disposition": "NO ANSWER"},
            replace(UNREACHABLE, caller="", callee=""),
        ),
        ({"channel": "OutgoingSpoolFailed", "disposition": "FAILED"}, UNREACHABLE),
    ],
)
def test_cdr(changes: dict[str, object], update: CallUpdate | None) -> None:
    """A `Cdr` is the end of a call, if the call can be identified."""
    assert call_of(CDR | changes) == update


@pytest.mark.parametrize(
    ("changes", "update"),
    [
        ({}, CONNECTED),
        ({"direction": None}, CONNECTED),
        ({"state": " inuse "}, CONNECTED),
        ({"state": "In Use"}, CONNECTED),
        ({"originated_call_id": ID}, replace(CONNECTED, originated_call_id=ID)),
        ({"exten": 993, "participant": 991.0}, CONNECTED),
        ({"direction": "out"}, None),
        ({"direction": "Outgoing"}, None),
        ({"state": "Ringing"}, None),
        ({"state": "Idle"}, None),
        ({"state": None}, None),
        ({"participant": ""}, None),
        ({"exten": None}, None),
    ],
)
def test_new_state(changes: dict[str, object], update: CallUpdate | None) -> None:
    """A called extension in use is a conversation, if the caller is known."""
    assert call_of(IN_USE | changes) == update


@pytest.mark.parametrize(
    ("call_id", "state"),
    [(ID, CallState.RINGING_CALLEE), ("", CallState.PLACED), (None, CallState.PLACED)],
)
def test_outgoing_call(call_id: str | None, state: CallState) -> None:
    """The caller of a requested call has answered when it goes out."""
    update = call_of(
        {
            "event_name": "OutgoingCall",
            "number": "1",
            "cuid": "17.1",
            "originated_call_id": call_id,
        }
    )

    assert update == CallUpdate(
        state=state,
        call_id="17.1",
        originated_call_id=call_id or "",
        direction=Direction.OUTGOING,
        callee="1",
    )


KEYS = st.sampled_from(sorted({key for row in DOCUMENTED for key in row[0]}))
WORDS = st.sampled_from(
    sorted({str(value) for row in DOCUMENTED for value in row[0].values()})
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | WORDS,
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | KEYS, inner),
    max_leaves=8,
)
NAMES = st.sampled_from(sorted({str(row[0].get("event_name")) for row in DOCUMENTED}))
EVENTS = st.builds(
    lambda fields, name: fields | {"event_name": name},
    st.dictionaries(KEYS, JSON),
    NAMES,
)


@given(EVENTS | st.dictionaries(st.text() | KEYS, JSON))
def test_any_json(fields: dict[str, object]) -> None:
    """No object raises, and updates are well-formed."""
    event = parse_event(fields)

    assert event.name or event == Event()
    if (update := event.call) is not None:
        assert (update.state is CallState.ENDED) == (update.result is not None)
        assert update.result is not CallResult.ANSWERED or not update.is_provisional
        for duration in (update.ring_time, update.talk_time):
            assert duration is None or (math.isfinite(duration) and duration >= 0)


@given(
    st.dictionaries(
        st.one_of(st.text(), st.integers(), st.none(), KEYS),
        st.nothing() | JSON | st.binary() | st.complex_numbers(),
    )
)
def test_any_mapping(fields: dict[Any, object]) -> None:
    """No mapping raises, whatever its keys and values are."""
    parse_event(fields)


@dataclass
class Receiver:
    """A web service that takes events and parses them."""

    url: str = ""
    events: list[Event] = field(default_factory=list)

    async def receive(self, request: web.Request) -> web.Response:
        """Receive an event, whose name may be in the path."""
        fields: dict[str, object] = {"event_name": request.match_info["name"]}
        fields |= request.query
        if request.method == "POST":
            fields |= await request.json()
        self.events.append(parse_event(fields))
        return web.Response()

    def updates(self) -> list[CallUpdate]:
        """Return the updates of calls, in order."""
        assert all(event.name for event in self.events)
        return [event.call for event in self.events if event.call]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Return a web service that accepts all events."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/hook{slash:/?}{name:.*}", receiver.receive)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield receiver
    await runner.cleanup()


async def call(
    client: SimotelClient, clock: ManualClock, caller: str, callee: str
) -> str:
    """Place a call, wait until it ends, and return its id."""
    call_id = await client.originate(
        CallRequest(
            call_id="ha-1",
            caller=caller,
            callee=callee,
            context="main_routing",
            caller_id=caller,
            trunk_name=None,
            timeout=30,
            call_limit=None,
        )
    )
    await clock.advance(90)
    assert call_id is not None
    return call_id


STYLES: list[dict[str, Any]] = [
    {},
    {"method": "get"},
    {"style": "rest4", "name_field": "event"},
    {"method": "get", "style": "rest4", "values": "title"},
    {"cdr_name": "CDR", "name_field": "event", "id_field": "cuid"},
    {"values": "title", "dates": "jalali", "numbers": "numbers"},
    {"copies": 2},
    {"delay": 3.0},
]


@pytest.mark.parametrize("style", STYLES)
async def test_pushed(
    client: SimotelClient,
    sandbox: Sandbox,
    clock: ManualClock,
    receiver: Receiver,
    style: dict[str, Any],
) -> None:
    """An answered call is reported from its answer to its end, in every style."""
    sandbox.configure(events=EventPush(url=receiver.url, **style))
    call_id = await call(client, clock, "101", "102")

    placed = sandbox.calls[0]
    about: dict[str, Any] = {
        "call_id": placed.unique_id,
        "caller": "101",
        "callee": "102",
    }
    ringing = CallUpdate(
        state=CallState.RINGING_CALLEE,
        call_id=placed.unique_id,
        originated_call_id=call_id,
        direction=Direction.OUTGOING,
        callee="102",
    )
    began = int(placed.unique_id.partition(".")[0])
    connected = replace(CONNECTED, answered_by="102", began_at=began, **about)
    ended = replace(
        ENDED,
        originated_call_id=call_id,
        ring_time=4,
        talk_time=20,
        began_at=began,
        **about,
    )
    reported = [ringing, connected, ended]
    copies = style.get("copies", 1)
    assert receiver.updates() == [each for each in reported for _ in range(copies)]


@pytest.mark.parametrize("with_id", [True, False])
@pytest.mark.parametrize(
    ("callee", "result"),
    [
        ("103", CallResult.BUSY),
        ("104", CallResult.NO_ANSWER),
        ("105", CallResult.FAILED),
        ("09120000000", CallResult.NO_ANSWER),
    ],
)
async def test_pushed_results(
    client: SimotelClient,
    sandbox: Sandbox,
    clock: ManualClock,
    receiver: Receiver,
    callee: str,
    result: CallResult,
    with_id: bool,
) -> None:
    """Every result is reported, by id or by numbers without a leading zero."""
    sandbox.configure(
        events=EventPush(
            url=receiver.url, with_originated_call_id=with_id, numbers="numbers"
        )
    )
    call_id = await call(client, clock, "101", callee)

    end = receiver.updates()[-1]
    assert end.result is result
    assert end.originated_call_id == (call_id if with_id else "")
    assert (end.caller, end.callee) == ("101", callee.lstrip("0"))


async def test_pushed_of_no_originated_call(
    client: SimotelClient, sandbox: Sandbox, clock: ManualClock, receiver: Receiver
) -> None:
    """An incoming call is reported completely, without a request id."""
    sandbox.configure(events=EventPush(url=receiver.url))
    await client.ping()
    sandbox.incoming("09121234567", "101")
    await clock.advance(60)

    names = [event.name for event in receiver.events]
    assert names[:2] == [PING, "incomingcall"]
    incoming, connected, ended = receiver.updates()
    assert incoming.direction is Direction.INCOMING
    assert connected.state is CallState.CONNECTED
    assert ended.direction is Direction.INCOMING
    assert not ended.originated_call_id


async def test_pushed_of_no_caller(
    client: SimotelClient, sandbox: Sandbox, clock: ManualClock, receiver: Receiver
) -> None:
    """No event reports an unreachable caller."""
    sandbox.configure(events=EventPush(url=receiver.url))
    await call(client, clock, "104", "101")

    assert receiver.updates() == []


@pytest.mark.parametrize("word", ["anonymous", "Unknown", "RESTRICTED"])
def test_withheld(word: str) -> None:
    """A word is no number, and the call is known as before."""
    came = parse_event({"event_name": "IncomingCall", "number": word, "cuid": "1.2"})
    ended = parse_event(CDR | {"src": word, "unique_id": ""})
    talks = parse_event(IN_USE | {"participant": word})
    for call in (came.call, ended.call, talks.call):
        assert call is not None
        assert call.caller == ""
    assert talks.extension is not None
    assert talks.extension.participant == ""
