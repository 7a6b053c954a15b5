"""Tests of what events say, on those of a real Asterisk with real phones."""

from collections.abc import Iterable, Iterator
import json
from pathlib import Path
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.pbx.backends.asterisk.channels import ChannelTemplates
from custom_components.pbx.backends.asterisk.legs import MAX_CALLS, Fact, Legs
from custom_components.pbx.backends.base import CallRequest
from custom_components.pbx.backends.updates import (
    CallEvidence,
    CallResult,
    CallState,
    PbxEvent,
    PbxEventType,
)

RECORDED = Path(__file__).parent / "recorded"
OURS = "ha-1"

ANSWERED = CallResult.ANSWERED
NO_ANSWER = CallResult.NO_ANSWER
UNREACHABLE = CallResult.CALLER_UNREACHABLE
RINGING, CONNECTED = CallState.RINGING_CALLEE, CallState.CONNECTED


def recorded(name: str) -> list[dict[str, Any]]:
    """Return the events of a scenario."""
    text = (RECORDED / f"{name}.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def read(events: Iterable[Any], *, is_ours: bool = True) -> tuple[Legs, list[Fact]]:
    """Return what a call's events say."""
    legs = Legs(ChannelTemplates())
    if is_ours:
        legs.expect(OURS)
    return legs, [fact for event in events for fact in legs.read(event)]


def evidence_in(facts: Iterable[Fact]) -> Iterator[CallEvidence]:
    """Yield what facts say about the call of ours."""
    for fact in facts:
        if isinstance(fact, CallEvidence):
            yield fact
        elif fact.evidence is not None:
            yield fact.evidence


def events_in(facts: Iterable[Fact], *kinds: PbxEventType) -> list[PbxEvent]:
    """Return the events of these kinds."""
    return [fact for fact in facts if isinstance(fact, PbxEvent) and fact.type in kinds]


@pytest.mark.parametrize(
    ("name", "states", "result", "cause", "talk_time"),
    [
        ("hung_up_by_callee", [RINGING, CONNECTED], ANSWERED, "normal_clearing", 2.005),
        ("hung_up_by_caller", [RINGING, CONNECTED], ANSWERED, "normal_clearing", 1.599),
        ("hung_up_from_here", [RINGING, CONNECTED], ANSWERED, "normal_clearing", 1.194),
        ("absolute_limit", [RINGING, CONNECTED], ANSWERED, "normal_clearing", 2.189),
        ("outgoing", [RINGING, CONNECTED], ANSWERED, "normal_clearing", 2.003),
        ("caller_outside", [RINGING, CONNECTED], ANSWERED, "normal_clearing", 2.004),
        ("group", [RINGING, CONNECTED], ANSWERED, "normal_clearing", 1.597),
        ("local_caller", [RINGING, CONNECTED], ANSWERED, "normal_clearing", 1.597),
        ("announcement", [], ANSWERED, "normal_clearing", 1.999),
        ("callee_busy", [RINGING], CallResult.BUSY, "user_busy", None),
        ("callee_no_answer", [RINGING], NO_ANSWER, "normal_clearing", None),
        ("callee_declines", [RINGING], NO_ANSWER, "call_rejected", None),
        ("callee_rings_then_declines", [RINGING], NO_ANSWER, "call_rejected", None),
        ("callee_unavailable", [RINGING], NO_ANSWER, "no_answer", None),
        ("callee_phone_dead", [RINGING], NO_ANSWER, "normal_clearing", None),
        ("hung_up_while_callee_rings", [RINGING], NO_ANSWER, "normal_clearing", None),
        (
            "callee_not_registered",
            [],
            CallResult.FAILED,
            "no_route_to_destination",
            None,
        ),
        ("wrong_extension", [], CallResult.FAILED, "unknown", None),
        ("caller_no_answer", [], UNREACHABLE, "no_answer", None),
        ("caller_busy", [], UNREACHABLE, "user_busy", None),
        ("caller_rings_then_busy", [], UNREACHABLE, "user_busy", None),
        ("caller_declines", [], UNREACHABLE, "call_rejected", None),
        ("caller_unavailable", [], UNREACHABLE, "no_answer", None),
        ("caller_phone_dead", [], UNREACHABLE, "no_answer", None),
        ("hung_up_while_caller_rings", [], UNREACHABLE, "normal_clearing", None),
    ],
)
def test_results(
    name: str,
    states: list[CallState],
    result: CallResult,
    cause: str,
    talk_time: float | None,
) -> None:
    """Every call comes to its states in order, and to exactly one end."""
    legs, facts = read(recorded(name))
    *before, end = evidence_in(facts)

    assert [each.state for each in before] == states
    assert (end.state, end.result, end.cause) == (CallState.ENDED, result, cause)
    assert end.talk_time == talk_time
    assert (end.ring_time is not None) == (RINGING in states)
    assert {each.originated_call_id for each in (*before, end)} == {OURS}
    assert is_empty(legs)


def test_every_recording_is_read() -> None:
    """No recording lies about that no test reads."""
    names = {path.stem for path in RECORDED.iterdir()}
    marks = test_results.pytestmark  # type: ignore[attr-defined]

    assert names == {case[0] for case in marks[0].args[1]} | {"incoming", "internal"}


def is_empty(legs: Legs) -> bool:
    """Tell whether nothing is remembered of calls that are over."""
    return not (legs._legs or legs._first_legs or legs._others)  # noqa: SLF001


def test_ring_and_talk_time() -> None:
    """Times are those of the PBX's events."""
    _, facts = read(recorded("hung_up_by_callee"))
    *_, connected, end = evidence_in(facts)

    assert (end.ring_time, end.talk_time) == (0.405, 2.005)
    assert connected.occurred_at is not None
    assert end.occurred_at == pytest.approx(connected.occurred_at + 2.005)


@pytest.mark.parametrize(
    ("dials", "ring_time"),
    [
        # Refused, and the dialplan then says so for three seconds.
        ([("a", "", 0), ("a", "RINGING", 0), ("a", "BUSY", 2)], 2),
        # One phone after the other.
        ([("a", "", 0), ("a", "NOANSWER", 2), ("b", "", 2), ("b", "BUSY", 4)], 4),
        # The caller leaves while it rings, and no more is told of the callee.
        ([("a", "", 0), ("a", "BUSY", 2), ("b", "", 2), ("b", "RINGING", 3)], 5),
    ],
)
def test_ring_time_without_announcement(
    dials: list[tuple[str, str, int]], ring_time: float
) -> None:
    """It ends when the last phone stops ringing."""
    events: list[dict[str, Any]] = [
        {
            "type": "Dial",
            "timestamp": f"2026-11-24T02:00:0{second}.000+0000",
            "dialstatus": status,
            "caller": {"id": OURS},
            "peer": {"id": peer},
        }
        for peer, status, second in dials
    ]
    end = {
        "type": "ChannelDestroyed",
        "timestamp": "2026-11-24T02:00:05.000+0000",
        "channel": {"id": OURS},
    }
    *_, last = evidence_in(read([*events, end])[1])
    assert last.ring_time == ring_time


def test_incoming() -> None:
    """A call from outside is told of as it comes in, and when it has ended."""
    legs, facts = read(recorded("incoming"), is_ours=False)
    came, ended = events_in(facts, PbxEventType.INCOMING, PbxEventType.ENDED)

    assert came.type is PbxEventType.INCOMING
    assert came.attributes["number"] == "09120000001"
    assert came.attributes["trunk"] == "provider"
    assert ended.evidence is None
    assert {
        name: value for name, value in ended.attributes.items() if name != "unique_id"
    } == {
        "caller": "09120000001",
        "callee": "552",
        "direction": "incoming",
        "trunk": "provider",
        "result": "answered",
        "cause": "normal_clearing",
        "duration": 1.413,
        "ring_time": 0.405,
        "talk_time": 1.007,
        "hung_up_by": "caller",
    }
    assert list(evidence_in(facts)) == []
    assert is_empty(legs)


def test_internal() -> None:
    """A call between phones of the house neither comes in nor goes out."""
    _, facts = read(recorded("internal"), is_ours=False)
    kinds = (PbxEventType.INCOMING, PbxEventType.OUTGOING, PbxEventType.ENDED)

    (ended,) = events_in(facts, *kinds)
    assert ended.type is PbxEventType.ENDED
    assert ended.attributes["direction"] == "local"


def test_outgoing() -> None:
    """A call that leaves by a trunk is told of, with the number as it was dialled."""
    legs = Legs(ChannelTemplates())
    request = CallRequest(
        caller="557",
        callee="0912",
        context="main_routing",
        caller_id="557",
        trunk_name=None,
        timeout=30,
        call_limit=None,
    )
    legs.expect(OURS, request)
    facts = [fact for event in recorded("outgoing") for fact in legs.read(event)]
    went, ended = events_in(facts, PbxEventType.OUTGOING, PbxEventType.ENDED)

    assert went.attributes == {
        "unique_id": OURS,
        "originated_call_id": OURS,
        "number": "0912",
        "trunk": "provider",
    }
    assert ended.attributes["caller"] == "557"
    assert ended.attributes["callee"] == "0912"
    assert ended.attributes["direction"] == "outgoing"
    assert ended.attributes["hung_up_by"] == "callee"


@pytest.mark.parametrize(
    ("name", "hung_up_by"),
    [
        ("hung_up_by_callee", "callee"),
        ("hung_up_by_caller", "caller"),
        ("hung_up_from_here", None),
        ("absolute_limit", None),
        # Who declines has ended the ringing of a phone, not a call.
        ("callee_declines", None),
    ],
)
def test_hung_up_by(name: str, hung_up_by: str | None) -> None:
    """Whose phone ended a call is told, where one did."""
    _, facts = read(recorded(name))
    (ended,) = events_in(facts, PbxEventType.ENDED)

    assert ended.attributes.get("hung_up_by") == hung_up_by


def test_extension_states() -> None:
    """Phones tell that they ring, with whom they talk, and that they are free."""
    _, facts = read(recorded("internal"), is_ours=False)
    told = [
        tuple(event.attributes.get(name) for name in ("state", "participant"))
        for event in events_in(facts, PbxEventType.EXTENSION_STATE)
        if event.attributes["extension"] == "552"
    ]

    assert told == [("ringing", "557"), ("in_use", "557"), ("idle", None)]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("NOT_INUSE", "idle"),
        ("RINGING", "ringing"),
        ("RINGINUSE", "in_use"),
        ("BUSY", "in_use"),
        ("ONHOLD", "in_use"),
        ("UNAVAILABLE", "offline"),
        ("INVALID", "offline"),
        ("UNKNOWN", None),
        (7, None),
    ],
)
def test_device_state(state: object, expected: str | None) -> None:
    """States are told in the words of all PBXs; one that says nothing is not."""
    event = {
        "type": "DeviceStateChanged",
        "device_state": {"name": "PJSIP/557", "state": state},
    }
    _, facts = read([event])

    told = [fact.attributes for fact in events_in(facts, PbxEventType.EXTENSION_STATE)]
    assert told == ([{"extension": "557", "state": expected}] if expected else [])


@pytest.mark.parametrize(
    ("statuses", "result"),
    [
        (("BUSY", "NOANSWER"), NO_ANSWER),
        (("CHANUNAVAIL", "BUSY"), CallResult.BUSY),
        (("CHANUNAVAIL", "CONGESTION"), CallResult.FAILED),
        (("NOANSWER", "ANSWER", "CANCEL"), ANSWERED),
        (("RINGING",), NO_ANSWER),
    ],
)
def test_several_callees(statuses: tuple[str, ...], result: CallResult) -> None:
    """Where several phones were rung, the best that became of one counts."""
    dials = [
        {
            "type": "Dial",
            "dialstatus": status,
            "caller": {"id": OURS},
            "peer": {"id": f"callee-{number}"},
        }
        for number, status in enumerate(statuses)
    ]
    end = {"type": "ChannelDestroyed", "channel": {"id": OURS}, "cause": 16}
    _, facts = read([*dials, end])

    *_, last = evidence_in(facts)
    assert last.result is result


def test_unknown_cause() -> None:
    """A cause without a name is told by its number; none at all is not known."""
    ends = [
        {"type": "ChannelDestroyed", "channel": {"id": OURS}, "cause": cause}
        for cause in (99, None)
    ]

    causes = [next(evidence_in(read([end])[1])).cause for end in ends]
    assert causes == ["cause_99", "unknown"]


def test_forgets() -> None:
    """What was not placed, and what has gone unheard, is not remembered."""
    legs, _ = read(recorded("incoming")[:8])
    legs.forget(OURS)
    legs.forget("never was")
    for channel_id in legs.of_others:
        legs.forget(channel_id)

    assert is_empty(legs)


def test_keeps_ours() -> None:
    """A call of ours stays until it is known to have ended."""
    legs, _ = read([])

    assert legs.of_others == set()
    assert not is_empty(legs)
    assert legs.expect(OURS) is legs.expect(OURS)


def test_bounded() -> None:
    """Whatever comes, memory does not grow for ever."""
    legs = Legs(ChannelTemplates())
    for number in range(3 * MAX_CALLS):
        channel = {"id": f"c{number}", "name": "PJSIP/557-00000001", "state": "Ring"}
        assert list(legs.read({"type": "ChannelCreated", "channel": channel})) == []

    assert len(legs._legs) == MAX_CALLS  # noqa: SLF001
    assert len(legs._others) <= 2 * MAX_CALLS  # noqa: SLF001


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "name", "state", "caller", "number", "connected"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "type",
                "channel",
                "caller",
                "peer",
                "dialstatus",
                "cause",
                "soft",
                "timestamp",
                "device_state",
                "endpoint",
            ]
        ),
        _JSON
        | st.sampled_from(
            ["ChannelCreated", "Dial", "ChannelDestroyed", "DeviceStateChanged", OURS]
        ),
    )
)
def test_anything(event: dict[str, Any]) -> None:
    """Nothing that could be an event raises."""
    read([event])


@given(st.data())
def test_lost_and_doubled(data: st.DataObject) -> None:
    """However events are lost, doubled or shuffled: at most one end, never a raise."""
    events = recorded(data.draw(st.sampled_from(["group", "hung_up_by_callee"])))
    picked = data.draw(st.lists(st.sampled_from(events), max_size=60))
    _, facts = read(picked)

    ends = [each for each in evidence_in(facts) if each.state is CallState.ENDED]
    assert len(ends) <= 1
