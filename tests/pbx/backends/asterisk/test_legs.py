"""Tests of events, recorded from a real Asterisk with real phones."""

from collections.abc import Iterable
import json
from pathlib import Path
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.pbx.backends.asterisk.channels import ChannelTemplates
from custom_components.pbx.backends.asterisk.legs import MAX_CALLS, Fact, Legs
from custom_components.pbx.backends.updates import (
    CallResult,
    CallState,
    CallUpdate,
    Direction,
    ExtensionUpdate,
)

from .scene import CALLEE, OURS, dial, ended, incoming, request, went_up

RECORDED = Path(__file__).parent / "recorded"
NOW = 1795485600.0

ANSWERED = CallResult.ANSWERED
NO_ANSWER = CallResult.NO_ANSWER
BUSY, DECLINED = CallResult.BUSY, CallResult.DECLINED
FAILED = CallResult.FAILED
UNREACHABLE = CallResult.CALLER_UNREACHABLE
RINGING, CONNECTED = CallState.RINGING_CALLEE, CallState.CONNECTED


def recorded(name: str) -> list[dict[str, Any]]:
    """Return the events of a scenario."""
    text = (RECORDED / f"{name}.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def read(events: Iterable[Any], *, is_ours: bool = True) -> tuple[Legs, list[Fact]]:
    """Return the facts of a call's events."""
    legs = Legs(ChannelTemplates())
    if is_ours:
        legs.expect(request())
    return legs, [fact for event in events for fact in legs.handle_event(event, NOW)]


def updates_in(facts: Iterable[Fact], *, is_ours: bool = True) -> list[CallUpdate]:
    """Return the updates about calls, placed by us or not."""
    return [
        fact
        for fact in facts
        if isinstance(fact, CallUpdate) and bool(fact.originated_call_id) == is_ours
    ]


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
        ("talk_with_voice", [RINGING, CONNECTED], ANSWERED, "normal_clearing", 1.506),
        (
            "local_caller_with_voice",
            [RINGING, CONNECTED],
            ANSWERED,
            "normal_clearing",
            1.505,
        ),
        ("caller_leaves_announcement", [], ANSWERED, "normal_clearing", 1.508),
        ("callee_number_unknown", [RINGING], FAILED, "unallocated_number", None),
        ("dialplan_is_busy", [], BUSY, "user_busy", None),
        ("announcement", [], ANSWERED, "normal_clearing", 1.999),
        ("callee_busy", [RINGING], CallResult.BUSY, "user_busy", None),
        ("callee_no_answer", [RINGING], NO_ANSWER, "normal_clearing", None),
        ("callee_declines", [RINGING], DECLINED, "call_rejected", None),
        ("callee_rings_then_declines", [RINGING], DECLINED, "call_rejected", None),
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
    """Every call has its states in order, and exactly one end."""
    legs, facts = read(recorded(name))
    *before, end = updates_in(facts)

    assert [each.state for each in before] == states
    assert (end.state, end.result, end.cause) == (CallState.ENDED, result, cause)
    assert end.talk_time == talk_time
    assert (end.ring_time is not None) == (RINGING in states)
    assert {each.originated_call_id for each in (*before, end)} == {OURS}
    assert is_empty(legs)


def test_every_recording_is_read() -> None:
    """Every recording is used by a test."""
    names = {path.stem for path in RECORDED.iterdir()}
    marks = test_results.pytestmark  # type: ignore[attr-defined]

    assert names == {case[0] for case in marks[0].args[1]} | {"incoming", "internal"}


def is_empty(legs: Legs) -> bool:
    """Return whether nothing is kept of calls that have ended."""
    return not (legs._legs or legs._first_legs or legs._remote_parties)  # noqa: SLF001


def test_ring_and_talk_time() -> None:
    """Times are those of the PBX's events."""
    _, facts = read(recorded("hung_up_by_callee"))
    *_, connected, end = updates_in(facts)

    assert (end.ring_time, end.talk_time) == (0.405, 2.005)
    assert connected.at is not None
    assert end.at == pytest.approx(connected.at + 2.005)


@pytest.mark.parametrize("status", ["RINGING", "ANSWER", "BUSY"])
def test_start_of_ringing_missed(status: str) -> None:
    """Ringing whose start was missed has no ring time, rather than a short one."""
    *_, end = updates_in(read([dial(status), ended()])[1])

    assert end.ring_time is None


def test_end_of_ringing_missed() -> None:
    """A callee's leg that has ended does not ring, even without an event about it."""
    legs, _ = read([dial(""), dial("RINGING"), ended("pbx-1.1")])

    leg = legs.get(OURS)
    assert leg is not None
    assert not leg.ringing_since
    assert leg.not_ringing_since == NOW


def test_a_list_that_is_older_than_the_end() -> None:
    """A call that has ended is not reopened by an older list of channels."""
    legs, _ = read([ended("pbx-9")], is_ours=False)

    assert legs.discover(incoming(state="Up"), None, NOW) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "ha-of-another"},
        {"state": "Ringing"},
        {"name": "PJSIP/552-00000001"},
        {"name": "Local/552@house-00000001;2"},
        {"dialplan": {"app_name": "AppDial"}},
        {"dialplan": {"app_name": "AppQueue"}},
    ],
)
def test_not_a_call_from_a_trunk(fields: dict[str, Any]) -> None:
    """Of active channels, those created by a trunk are incoming calls."""
    legs = Legs(ChannelTemplates())

    assert legs.discover({**incoming(state="Up"), **fields}, None, NOW) is None
    assert is_empty(legs)


@pytest.mark.parametrize(
    ("dials", "ring_time"),
    [
        # Refused; the dialplan then plays a message for three seconds.
        ([("a", "", 0), ("a", "RINGING", 0), ("a", "BUSY", 2)], 2),
        # One phone after the other.
        ([("a", "", 0), ("a", "NOANSWER", 2), ("b", "", 2), ("b", "BUSY", 4)], 4),
        # The caller hangs up while it rings; the callee has no further events.
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
    *_, last = updates_in(read([*events, end])[1])
    assert last.ring_time == ring_time


def test_incoming() -> None:
    """An incoming call is reported from its beginning to its end."""
    legs, facts = read(recorded("incoming"), is_ours=False)
    came, *between, end = updates_in(facts, is_ours=False)

    assert (came.state, came.direction) == (CallState.PLACED, Direction.INCOMING)
    assert (came.caller, came.trunk) == ("09120000001", "provider")
    assert [each.state for each in between] == [RINGING, CONNECTED]
    assert {each.call_id for each in (came, *between, end)} == {came.call_id}
    assert (end.callee, end.answered_by) == ("552", "552")
    assert (end.result, end.cause) == (ANSWERED, "normal_clearing")
    assert (end.ring_time, end.talk_time) == (0.405, 1.007)
    assert updates_in(facts) == []
    assert is_empty(legs)


def test_withheld() -> None:
    """Asterisk reports the word of SIP for a number that is withheld."""
    channel = incoming("c") | {"caller": {"name": "", "number": "Anonymous"}}
    _, facts = read([{"type": "ChannelCreated", "channel": channel}], is_ours=False)
    assert [each.caller for each in updates_in(facts, is_ours=False)] == [""]


CAME = {"type": "ChannelCreated", "channel": incoming("c")}


@pytest.mark.parametrize(
    ("events", "result", "is_unattended"),
    [
        # A phone that rings, one that is busy, and one that answers.
        ([dial("RINGING", call_id="c")], NO_ANSWER, True),
        ([dial("BUSY", call_id="c")], BUSY, True),
        ([dial("ANSWER", call_id="c")], ANSWERED, False),
        # A group of two.
        (
            [
                dial("RINGING", "a", "c"),
                dial("RINGING", "b", "c"),
                dial("ANSWER", "b", "c"),
                dial("CANCEL", "a", "c"),
            ],
            ANSWERED,
            False,
        ),
        # A menu, an announcement or a mailbox: at once, after a phone, before one.
        ([went_up("c")], ANSWERED, True),
        ([dial("NOANSWER", call_id="c"), went_up("c")], NO_ANSWER, True),
        ([went_up("c"), dial("NOANSWER", call_id="c")], NO_ANSWER, True),
        ([went_up("c"), dial("ANSWER", call_id="c")], ANSWERED, False),
        ([], NO_ANSWER, True),
    ],
)
def test_unattended(
    events: list[dict[str, Any]], result: CallResult, is_unattended: bool
) -> None:
    """Only a callee who answers is a person; the dialplan itself is none."""
    _, facts = read([CAME, *events, ended("c")], is_ours=False)
    end = updates_in(facts, is_ours=False)[-1]

    assert (end.result, end.is_unattended) == (result, is_unattended)


def test_internal() -> None:
    """A call between extensions is internal."""
    _, facts = read(recorded("internal"), is_ours=False)

    reported = updates_in(facts, is_ours=False)
    assert [each.state for each in reported] == [RINGING, CONNECTED, CallState.ENDED]
    assert {each.direction for each in reported} == {Direction.INTERNAL}


def test_outgoing() -> None:
    """An outgoing call is reported with its trunk and the number as dialed."""
    _, facts = read(recorded("outgoing"))
    rings, *_, end = updates_in(facts)

    assert (rings.direction, rings.trunk) == (Direction.OUTGOING, "provider")
    assert (end.caller, end.callee) == ("557", "09121234567")
    assert end.direction is Direction.OUTGOING


def test_extension_states() -> None:
    """Extensions report ringing, their participant, and being idle."""
    _, facts = read(recorded("internal"), is_ours=False)
    reported = [
        (fact.state, fact.participant)
        for fact in facts
        if isinstance(fact, ExtensionUpdate) and fact.number == "552"
    ]

    assert reported == [("ringing", "557"), ("in_use", "557"), ("idle", "")]


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
    """Device states are mapped to extension states; unknown ones are ignored."""
    event = {
        "type": "DeviceStateChanged",
        "device_state": {"name": "PJSIP/557", "state": state},
    }
    _, facts = read([event])

    reported = [fact[:2] for fact in facts if isinstance(fact, ExtensionUpdate)]
    assert reported == ([("557", expected)] if expected else [])


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
    """If several phones were dialed, the best result counts."""
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

    *_, last = updates_in(facts)
    assert last.result is result


def hung_up(call_id: str = OURS, state: str = "Up", **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any field of an event
    """Return a hangup request of a channel, by its phone unless `soft`."""
    channel = {"id": call_id, "state": state}
    return {"type": "ChannelHangupRequest", "channel": channel, **fields}


def end_of(*events: dict[str, Any]) -> CallUpdate:
    """Return the end of the call in the events."""
    return updates_in(read(events)[1])[-1]


@pytest.mark.parametrize(
    ("cause", "result"),
    [
        *((cause, NO_ANSWER) for cause in (0, 16, 18, 19, 20, 31, 102)),
        (17, BUSY),
        (21, DECLINED),
        *((cause, FAILED) for cause in (1, 3, 28, 34, 38, 41, 58, 127)),
    ],
)
@pytest.mark.parametrize("is_told_of_callee", [True, False])
def test_cause_of_callee(
    cause: int, result: CallResult, *, is_told_of_callee: bool
) -> None:
    """Asterisk reports most refusals as not answered: the cause decides."""
    refused = [hung_up(CALLEE, "Down", cause=cause)] if is_told_of_callee else []
    own = 16 if is_told_of_callee else cause
    end = end_of(went_up(), dial(""), *refused, dial("NOANSWER"), ended(cause=own))

    assert end.result is result


def test_cause_of_each_callee() -> None:
    """In a group, the cause of one leg does not apply to another."""
    end = end_of(
        went_up(),
        *(dial("", "a"), dial("", "b")),
        *(hung_up("a", "Down", cause=1), dial("NOANSWER", "a"), ended("a", 1)),
        *(hung_up("b", "Ringing", cause=21), dial("NOANSWER", "b"), ended("b", 21)),
        ended(cause=1),
    )

    assert (end.result, end.cause) == (DECLINED, "unallocated_number")


@pytest.mark.parametrize(
    ("cause", "result"),
    [
        *((16, ANSWERED), (17, BUSY), (18, NO_ANSWER), (19, NO_ANSWER)),
        *((20, NO_ANSWER), (21, DECLINED), (0, FAILED), (1, FAILED), (31, FAILED)),
    ],
)
def test_cause_of_dialplan(cause: int, result: CallResult) -> None:
    """Without a callee, the dialplan's cause decides the result."""
    assert end_of(went_up(), hung_up(soft=True), ended(cause=cause)).result is result


@pytest.mark.parametrize("cause", [0, 16, 31])
def test_caller_leaves_what_answered_itself(cause: int) -> None:
    """A call hung up during an announcement, menu or mailbox was answered."""
    end = end_of(went_up(), hung_up(cause=cause), ended(cause=cause))

    word = "normal_unspecified" if cause == 31 else "normal_clearing"
    assert (end.result, end.cause) == (ANSWERED, word)


@pytest.mark.parametrize(
    ("cause", "result"), [(17, BUSY), (21, DECLINED), (16, NO_ANSWER), (1, FAILED)]
)
def test_refused_unanswered(cause: int, result: CallResult) -> None:
    """An incoming call that the dialplan refuses is not an unreachable caller."""
    came = {"type": "ChannelCreated", "channel": incoming("c")}
    _, facts = read([came, ended("c", cause)], is_ours=False)

    assert updates_in(facts, is_ours=False)[-1].result is result


@pytest.mark.parametrize("who", [OURS, CALLEE])
def test_cause_unknown_to_older_asterisks(who: str) -> None:
    """A conversation that a phone hung up has the cause of a normal clearing."""
    end = end_of(went_up(), dial("ANSWER"), hung_up(who), ended(cause=0))

    assert (end.result, end.cause) == (ANSWERED, "normal_clearing")


@pytest.mark.parametrize(
    ("state", "cause"), [("Ringing", "no_answer"), ("Down", "unknown")]
)
def test_ring_time_of_older_asterisks(state: str, cause: str) -> None:
    """A caller whose phone rang has not answered; otherwise the cause is unknown."""
    channel = {"id": OURS, "state": state}
    end = end_of({"type": "ChannelStateChange", "channel": channel}, ended(cause=0))

    assert (end.result, end.cause) == (UNREACHABLE, cause)


def test_ringing_missed() -> None:
    """A list of channels also shows that the caller's phone rang."""
    legs, _ = read([])
    leg = legs.get(OURS)
    assert leg is not None
    leg.catch_up({"id": OURS, "state": "Ringing"}, {}, None, NOW)
    (end,) = legs.handle_event(ended(cause=0), NOW)

    assert isinstance(end, CallUpdate)
    assert (end.result, end.cause) == (UNREACHABLE, "no_answer")


def test_case_of_technology() -> None:
    """Technologies are compared without case."""
    legs = Legs(ChannelTemplates("pjsip/{number}"))
    channel = {"id": "c", "name": "PJSIP/557-00000001", "connected": {"number": "552"}}
    device = {"name": "pjsip/557", "state": "INUSE"}
    events = (
        {"type": "ChannelStateChange", "channel": channel},
        {"type": "DeviceStateChanged", "device_state": device},
    )
    (reported,) = (fact for event in events for fact in legs.handle_event(event, NOW))

    assert isinstance(reported, ExtensionUpdate)
    assert (reported.number, reported.participant) == ("557", "552")


def test_unknown_cause() -> None:
    """A cause without a name is reported by number; a missing one as unknown."""
    ends = [
        {"type": "ChannelDestroyed", "channel": {"id": OURS}, "cause": cause}
        for cause in (99, None)
    ]

    causes = [updates_in(read([end])[1])[-1].cause for end in ends]
    assert causes == ["cause_99", "unknown"]
    assert end_of(ended(cause=23)).cause == "redirected_to_new_destination"


def test_forgets() -> None:
    """Calls that were not placed, or are missing, are forgotten."""
    legs, _ = read(recorded("incoming")[:8])
    legs.forget(OURS)
    legs.forget("never was")
    for channel_id in legs.other_channel_ids:
        legs.forget(channel_id)

    assert is_empty(legs)


def test_keeps_ours() -> None:
    """A placed call is kept until it is known to have ended."""
    legs, _ = read([])

    assert legs.other_channel_ids == set()
    assert not is_empty(legs)


def test_bounded() -> None:
    """Memory is bounded for any events."""
    legs = Legs(ChannelTemplates())
    for number in range(3 * MAX_CALLS):
        channel = {"id": f"c{number}", "name": "PJSIP/557-00000001", "state": "Ring"}
        assert (
            list(legs.handle_event({"type": "ChannelCreated", "channel": channel}, NOW))
            == []
        )

    assert len(legs._legs) == MAX_CALLS  # noqa: SLF001
    assert len(legs._remote_parties) <= 2 * MAX_CALLS  # noqa: SLF001


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
    """No event raises."""
    read([event])


@given(st.data())
def test_lost_and_doubled(data: st.DataObject) -> None:
    """Lost, repeated or reordered events cause at most one end, and no exception."""
    events = recorded(data.draw(st.sampled_from(["group", "hung_up_by_callee"])))
    picked = data.draw(st.lists(st.sampled_from(events), max_size=60))
    _, facts = read(picked)

    ends = [each for each in updates_in(facts) if each.state is CallState.ENDED]
    assert len(ends) <= 1


def test_channels_are_bounded() -> None:
    """Memory is bounded for channels whose end is missed, and for ended ones."""
    legs = Legs(ChannelTemplates())
    for number in range(2 * MAX_CALLS + 5):
        channel = {"id": f"x-{number}", "name": "PJSIP/557-00000001", "state": "Down"}
        list(legs.handle_event({"type": "ChannelStateChange", "channel": channel}, NOW))
    assert len(legs.other_channel_ids) == 2 * MAX_CALLS

    for number in range(MAX_CALLS + 5):
        list(legs.handle_event(ended(f"x-{number}"), NOW))
    assert not legs.has_ended("x-0")
    assert legs.has_ended(f"x-{MAX_CALLS + 4}")
