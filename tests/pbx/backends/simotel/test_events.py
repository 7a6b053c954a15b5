"""Tests of the events: tables, anything at all, and what the sandbox pushes."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
import json
import math
from typing import Any, get_args

from aiohttp import web
from hypothesis import given, strategies as st
import pytest

from custom_components.pbx.backends.base import CallRequest
from custom_components.pbx.backends.simotel import SimotelClient
from custom_components.pbx.backends.simotel.events import Attribute, parse_event
from custom_components.pbx.backends.updates import (
    CallEvidence,
    CallResult,
    CallState,
    EvidenceSource,
    PbxEvent,
    PbxEventType,
)
from sandbox import EventPush, ManualClock, Sandbox

ID = "orig.call.1683107010.780601"
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
ENDED = CallEvidence(
    source=EvidenceSource.EVENT,
    state=CallState.ENDED,
    originated_call_id=ID,
    caller="991",
    callee="993",
    conversation_id="1610778618.378",
    result=CallResult.ANSWERED,
    ring_time=11,
    talk_time=9,
)
CONNECTED = CallEvidence(
    source=EvidenceSource.EVENT,
    state=CallState.CONNECTED,
    caller="991",
    callee="993",
    conversation_id="1610778618.378",
)

# Every event of the documents, after their samples, and what it carries.
DOCUMENTED: list[tuple[dict[str, object], PbxEventType, dict[str, str | float]]] = [
    (
        IN_USE | {"direction": "out"},
        PbxEventType.EXTENSION_STATE,
        {
            "unique_id": "1610778618.378",
            "extension": "993",
            "state": "in_use",
            "participant": "991",
            "direction": "outgoing",
        },
    ),
    (
        {"event_name": "NewState", "exten": 991, "state": "Pause"},
        PbxEventType.EXTENSION_STATE,
        {"extension": "991", "state": "paused"},
    ),
    (
        {
            "event_name": "IncomingCall",
            "number": "09331112233",
            "unique_id": "1812081675.213",
            "entry_point": "to_simo_51_20",
            "originated_call_id": ID,
        },
        PbxEventType.INCOMING,
        {
            "unique_id": "1812081675.213",
            "originated_call_id": ID,
            "number": "09331112233",
            "trunk": "to_simo_51_20",
        },
    ),
    (
        {
            "event_name": "OutgoingCall",
            "number": 999,
            "cuid": "1610781425.388",
            "entry_point": "E1",
        },
        PbxEventType.OUTGOING,
        {"unique_id": "1610781425.388", "number": "999", "trunk": "E1"},
    ),
    (
        CDR | {"outgoing_point": "E1", "poll_point": "10", "poll_lable": "mypoll"},
        PbxEventType.ENDED,
        {
            "unique_id": "1610778618.378",
            "originated_call_id": ID,
            "caller": "991",
            "callee": "993",
            "result": "answered",
            "duration": 20,
            "ring_time": 11,
            "talk_time": 9,
            "recording": "20210116_1610778618.378.mp3",
            "direction": "local",
            "trunk": "E1",
            "rating": 10,
            "survey": "mypoll",
        },
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
        PbxEventType.ENDED,
        {
            "unique_id": "1610782193.391",
            "caller": "992",
            "callee": "993",
            "result": "lost",
            "duration": 34,
            "ring_time": 3,
            "talk_time": 31,
            "recording": "20210116_1610782193.391.mp3",
        },
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
        },
        PbxEventType.VOICEMAIL,
        {
            "mailbox": "5555",
            "caller": "992",
            "state": "success",
            "duration": 1,
            "recording": "5555_1609417639-vm-record-file-8766.wav",
        },
    ),
    (
        {
            "event_name": "VoiceMail",
            "number": "5555",
            "state": "FAILED",
            "message": "Hangup call",
            "duration": "",
        },
        PbxEventType.VOICEMAIL,
        {"mailbox": "5555", "state": "failed", "message": "Hangup call"},
    ),
    ({"event_name": "Ping"}, PbxEventType.PONG, {}),
]


def evidence_of(fields: Mapping[str, object]) -> CallEvidence | None:
    """Return what a known event says of an originated call."""
    event = parse_event(fields)
    assert event is not None
    return event.evidence


@pytest.mark.parametrize(("fields", "event_type", "attributes"), DOCUMENTED)
def test_documented(
    fields: dict[str, object],
    event_type: PbxEventType,
    attributes: dict[str, str | float],
) -> None:
    """Every documented event is told in our own words."""
    event = parse_event(fields)

    assert event is not None
    assert event.type is event_type
    assert event.attributes == attributes
    assert set(event.attributes) <= set(get_args(Attribute.__value__))


def test_every_type_and_attribute_occurs() -> None:
    """There is no type of event and no attribute that no event has."""
    types = {row[1] for row in DOCUMENTED} | {PbxEventType.OTHER}
    assert types == set(PbxEventType)
    told = {name for row in DOCUMENTED for name in row[2]}
    assert told == set(get_args(Attribute.__value__))


def test_only_four_are_evidence() -> None:
    """What is not known to be about an originated call says nothing of one."""
    evidence = [row[0]["event_name"] for row in DOCUMENTED[1:] if evidence_of(row[0])]

    assert evidence == ["Cdr", "CdrQueue"]


@pytest.mark.parametrize("key", ["event_name", "event", "Event-Name", "EVENT"])
@pytest.mark.parametrize("name", ["Cdr", "CDR", "cdr", " Cdr\n"])
def test_name(key: str, name: str) -> None:
    """An event is known by its name in any spelling, under any of its keys."""
    fields = {k: v for k, v in CDR.items() if k != "event_name"} | {key: name}

    assert parse_event(fields) == parse_event(CDR)


@pytest.mark.parametrize(
    ("name", "event_type"),
    [
        ("newstate", PbxEventType.EXTENSION_STATE),
        ("new_state", PbxEventType.EXTENSION_STATE),
        ("CDRQueue", PbxEventType.ENDED),
        ("Voicemail", PbxEventType.VOICEMAIL),
        ("ping", PbxEventType.PONG),
    ],
)
def test_other_spellings(name: str, event_type: PbxEventType) -> None:
    """The documents themselves spell names in more ways than one."""
    assert parse_event({"event_name": name}) == PbxEvent(type=event_type)


def test_name_that_is_known_counts() -> None:
    """A name that is not known does not hide one that is."""
    assert parse_event({"event_name": "x", "event": "Ping"}) is not None


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
    """What is no known event is none."""
    assert parse_event(fields) is None


@pytest.mark.parametrize("name", ["Transfer", "TrunkNewState", "incoming_fax"])
def test_unread(name: str) -> None:
    """An event of which nothing is read shows that events come, and no more."""
    assert parse_event({"event_name": name}) == PbxEvent(type=PbxEventType.OTHER)


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
    ],
)
def test_disposition(disposition: str, result: CallResult) -> None:
    """A disposition means the same in any spelling."""
    event = parse_event(CDR | {"disposition": disposition})

    assert event is not None
    assert event.evidence == replace(ENDED, result=result)
    # The leg of another phone may still have been answered.
    assert event.evidence.is_provisional is (result is not CallResult.ANSWERED)
    assert event.attributes["result"] == result
    assert type(event.attributes["result"]) is str


@pytest.mark.parametrize(
    ("disposition", "shown"),
    [
        ("TIMEOUT", "timeout"),
        ("پاسخ داده نشد", "پاسخ_داده_نشد"),
        ("", None),
        (None, None),
        (1, "1"),
    ],
)
def test_new_disposition(disposition: object, shown: str | None) -> None:
    """A word that nobody knows is an end, too, and is shown as it is."""
    event = parse_event(CDR | {"disposition": disposition})

    assert event is not None
    assert event.evidence == replace(ENDED, result=CallResult.UNDETERMINED)
    assert event.attributes.get("result") == shown


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
    """The name of a conversation tells when it began."""
    for fields in (CDR, IN_USE):
        evidence = evidence_of(fields | {"unique_id": unique_id, "cuid": ""})
        assert evidence is not None
        assert evidence.began_at == began_at


@pytest.mark.parametrize(
    ("changes", "evidence"),
    [
        ({"type": "incoming", "originated_call_id": ""}, None),
        ({"type": "Incoming", "originated_call_id": None}, None),
        ({"type": "incoming"}, ENDED),
        ({"type": "feature"}, ENDED),
        ({"type": None}, ENDED),
        ({"originated_call_id": ""}, replace(ENDED, originated_call_id="")),
        ({"originated_call_id": f" {ID} "}, ENDED),
        ({"src": 991, "dst": 993.0}, ENDED),
        ({"src": ""}, replace(ENDED, caller="", callee="")),
        ({"src": "", "originated_call_id": None}, None),
        ({"wait": "", "billsec": None}, replace(ENDED, ring_time=None, talk_time=None)),
        (
            {"wait": "-1", "billsec": "nan"},
            replace(ENDED, ring_time=None, talk_time=None),
        ),
        ({"wait": 11.5}, replace(ENDED, ring_time=11.5)),
        (
            {"dst": "failed", "disposition": "NO ANSWER"},
            replace(ENDED, caller="", callee="", result=CallResult.CALLER_UNREACHABLE),
        ),
        ({"dst": "failed", "originated_call_id": ""}, None),
        (
            {"channel": "OutgoingSpoolFailed", "disposition": "FAILED"},
            replace(ENDED, result=CallResult.CALLER_UNREACHABLE),
        ),
    ],
)
def test_cdr(changes: dict[str, object], evidence: CallEvidence | None) -> None:
    """A `Cdr` is the end of a call, if it says what came of which."""
    assert evidence_of(CDR | changes) == evidence


@pytest.mark.parametrize(
    ("changes", "evidence"),
    [
        ({}, CONNECTED),
        ({"direction": None}, CONNECTED),
        ({"state": " inuse "}, CONNECTED),
        ({"state": "In Use"}, CONNECTED),
        ({"originated_call_id": ID}, replace(CONNECTED, originated_call_id=ID)),
        ({"exten": 993, "participant": 991.0}, CONNECTED),
        ({"direction": "out"}, None),
        ({"state": "Ringing"}, None),
        ({"state": "Idle"}, None),
        ({"state": None}, None),
        ({"participant": ""}, None),
        ({"exten": None}, None),
    ],
)
def test_new_state(changes: dict[str, object], evidence: CallEvidence | None) -> None:
    """A phone in use is a talk, if it was called and it is known by whom."""
    assert evidence_of(IN_USE | changes) == evidence


@pytest.mark.parametrize("call_id", [ID, "", None])
def test_outgoing_call(call_id: str | None) -> None:
    """A call on its way out says of which originated call it is, or nothing."""
    fields = {
        "event_name": "OutgoingCall",
        "number": "1",
        "cuid": "17.1",
        "originated_call_id": call_id,
    }

    expected = CallEvidence(
        source=EvidenceSource.EVENT,
        state=CallState.RINGING_CALLEE,
        originated_call_id=ID,
        conversation_id="17.1",
    )
    assert evidence_of(fields) == (expected if call_id else None)


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


def check(evidence: CallEvidence) -> None:
    """Check that evidence is well-formed."""
    assert (evidence.state is CallState.ENDED) == (evidence.result is not None)
    assert evidence.result is not CallResult.UNDETERMINED
    assert bool(evidence.caller) == bool(evidence.callee)
    assert evidence.originated_call_id or evidence.caller
    for duration in (evidence.ring_time, evidence.talk_time):
        assert duration is None or (math.isfinite(duration) and duration >= 0)


@given(EVENTS | st.dictionaries(st.text() | KEYS, JSON))
def test_any_json(fields: dict[str, object]) -> None:
    """No object raises, what is told can be told, and evidence is well-formed."""
    event = parse_event(fields)

    if event is not None:
        json.dumps(dict(event.attributes), allow_nan=False).encode()
        assert all(value != "" for value in event.attributes.values())
        if event.evidence is not None:
            check(event.evidence)


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

    client: SimotelClient
    url: str = ""
    events: list[PbxEvent | None] = field(default_factory=list)

    async def receive(self, request: web.Request) -> web.Response:
        """Take an event; its name may be told by the path."""
        fields: dict[str, object] = {"event_name": request.match_info["name"]}
        fields |= request.query
        if request.method == "POST":
            fields |= await request.json()
        self.events.append(self.client.parse_event(fields))
        return web.Response()

    def evidence(self) -> list[CallEvidence]:
        """Return what was said of originated calls, in order."""
        assert None not in self.events
        return [event.evidence for event in self.events if event and event.evidence]


@pytest.fixture
async def receiver(client: SimotelClient) -> AsyncIterator[Receiver]:
    """Return a web service that takes whatever is pushed to it."""
    receiver = Receiver(client)
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
    """Place a call, let it come to its end, and return its id."""
    call_id = await client.originate(
        CallRequest(
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
    """An answered call is told from its answer to its end, in every style."""
    sandbox.configure(events=EventPush(url=receiver.url, **style))
    call_id = await call(client, clock, "101", "102")

    ringing = CallEvidence(
        source=EvidenceSource.EVENT,
        state=CallState.RINGING_CALLEE,
        originated_call_id=call_id,
    )
    conversation_id = sandbox.calls[0].unique_id
    told = [
        ringing,
        replace(CONNECTED, caller="101", callee="102"),
        replace(
            ENDED,
            originated_call_id=call_id,
            caller="101",
            callee="102",
            ring_time=4,
            talk_time=20,
        ),
    ]
    copies = style.get("copies", 1)
    assert receiver.evidence() == [
        replace(each, conversation_id=conversation_id)
        for each in told
        for _ in range(copies)
    ]
    (ended,) = {
        event.attributes["recording"]: event
        for event in receiver.events
        if event and event.type is PbxEventType.ENDED
    }.values()
    assert ended.attributes["unique_id"] == sandbox.calls[0].unique_id


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
    """Every result is told, by the id or by the two numbers, some a zero short."""
    sandbox.configure(
        events=EventPush(
            url=receiver.url, with_originated_call_id=with_id, numbers="numbers"
        )
    )
    call_id = await call(client, clock, "101", callee)

    end = receiver.evidence()[-1]
    assert end.result is result
    assert end.originated_call_id == (call_id if with_id else "")
    assert (end.caller, end.callee) == ("101", callee.lstrip("0"))


async def test_pushed_of_no_originated_call(
    client: SimotelClient, sandbox: Sandbox, clock: ManualClock, receiver: Receiver
) -> None:
    """A call from outside is told in full and is nobody's evidence of an end."""
    sandbox.configure(events=EventPush(url=receiver.url))
    await client.ping()
    sandbox.incoming("09121234567", "101")
    await clock.advance(60)

    types = [event.type for event in receiver.events if event]
    assert types[:2] == [PbxEventType.PONG, PbxEventType.INCOMING]
    assert types[-1] is PbxEventType.ENDED
    assert [each.state for each in receiver.evidence()] == [CallState.CONNECTED]


async def test_pushed_of_no_caller(
    client: SimotelClient, sandbox: Sandbox, clock: ManualClock, receiver: Receiver
) -> None:
    """A caller who was never reached is the hole: no event says anything."""
    sandbox.configure(events=EventPush(url=receiver.url))
    await call(client, clock, "104", "101")

    assert receiver.evidence() == []
