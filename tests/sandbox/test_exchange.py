"""Tests of the call engine: every course of a call, through the API."""

from dataclasses import replace
import re

import pytest

from sandbox import Context, Manner, Phone, SandboxConfig

from .helpers import START, Pbx, Receiver

type Story = tuple[str, str, int, int]


@pytest.fixture
def config() -> SandboxConfig:
    """Return phones whose calls continue until they are hung up."""
    return replace(
        SandboxConfig(),
        phones=(
            Phone("1", "Answers", after=2),
            Phone("2", "Answers later", after=5),
            Phone("3", "Busy", behavior="busy", after=1),
            Phone("4", "Silent", behavior="no_answer"),
            Phone("5", "Gone", behavior="unreachable", after=1),
            Phone("6", "Declines", behavior="decline", after=3),
            Phone("7", "Impatient", after=1, gives_up_after=4),
            Phone("8", "Brief", after=1, hang_up_after=6),
            Phone("9", "Many", after=1, lines=3, as_callee=Manner(after=3)),
        ),
        external=(Phone("0912*", after=3, hang_up_after=10), Phone("*", after=4)),
    )


@pytest.mark.parametrize(
    ("caller", "callee", "end", "story"),
    [
        ("1", "3", 3, ("busy", "BUSY", 1, 0)),
        ("1", "4", 32, ("no_answer", "NO ANSWER", 30, 0)),
        ("1", "5", 3, ("failed", "FAILED", 1, 0)),
        ("1", "6", 5, ("busy", "BUSY", 3, 0)),
        ("1", "8", 9, ("answered", "ANSWERED", 1, 6)),
        ("8", "2", 12, ("answered", "ANSWERED", 5, 6)),
        ("7", "2", 5, ("no_answer", "NO ANSWER", 4, 0)),
        ("1", "1", 3, ("busy", "BUSY", 1, 0)),
        ("1", "0912777", 15, ("answered", "ANSWERED", 3, 10)),
        ("3", "1", 1, ("caller_unreachable", "FAILED", 1, 0)),
        ("4", "1", 30, ("caller_unreachable", "FAILED", 30, 0)),
        ("5", "1", 1, ("caller_unreachable", "FAILED", 1, 0)),
        ("6", "1", 3, ("caller_unreachable", "FAILED", 3, 0)),
    ],
)
async def test_how_a_call_ends(
    pbx: Pbx, caller: str, callee: str, end: int, story: Story
) -> None:
    """It ends when it must, not before, and the report has its row."""
    call = await pbx.originate(caller, callee)
    await pbx.clock.advance(end - 0.5)
    assert call.ended is None
    assert await pbx.rows() == []
    await pbx.clock.advance(0.5)
    assert call.state == "ended"
    (row,) = await pbx.rows()
    result, disposition, wait, billsec = story
    assert call.result == result
    assert (call.ring_time, call.talk_time) == (wait, billsec)
    assert row["originated_call_id"] == call.id
    assert row["disposition"] == disposition
    assert (row["wait"], row["billsec"]) == (str(wait), str(billsec))
    unreached = result == "caller_unreachable"
    assert (row["channel"] == "OutgoingSpoolFailed") is unreached
    assert pbx.clock.pending == 0


async def test_the_states_on_the_way(pbx: Pbx) -> None:
    """Placed, ringing the callee, connected, ended."""
    call = await pbx.originate("1", "2")
    phones = pbx.sandbox.phones
    assert (call.state, phones.state("1"), phones.state("2")) == (
        "placed",
        "Ringing",
        "Idle",
    )
    await pbx.clock.advance(2)
    assert (call.state, phones.state("1"), phones.state("2")) == (
        "ringing_callee",
        "InUse",
        "Ringing",
    )
    await pbx.clock.advance(5)
    assert (call.state, phones.state("1"), phones.state("2")) == (
        "connected",
        "InUse",
        "InUse",
    )
    pbx.sandbox.hang_up(call.id)
    assert (call.state, phones.state("1"), phones.state("2")) == (
        "ended",
        "Idle",
        "Idle",
    )


async def test_the_timeout_is_for_each_leg(pbx: Pbx) -> None:
    """The request's own comes instead of thirty seconds."""
    call = await pbx.originate("1", "2", timeout="4")
    await pbx.clock.advance(6)
    assert (call.result, call.ring_time) == ("no_answer", 4)


async def test_the_call_limit_ends_the_talk(pbx: Pbx) -> None:
    """However long the parties would go on."""
    call = await pbx.originate("1", "2", call_limit="20")
    await pbx.clock.advance(100)
    (row,) = await pbx.rows()
    assert (call.result, row["billsec"]) == ("answered", "20")


@pytest.mark.parametrize(
    ("after", "result"),
    [(1, "caller_unreachable"), (3, "no_answer"), (9, "answered")],
)
async def test_hanging_up(pbx: Pbx, after: int, result: str) -> None:
    """What it means depends on how far the call had come."""
    call = await pbx.originate("1", "2")
    await pbx.clock.advance(after)
    pbx.sandbox.hang_up(call.id)
    assert call.result == result
    pbx.sandbox.hang_up(call.id)
    assert len(await pbx.rows()) == 1
    with pytest.raises(KeyError):
        pbx.sandbox.hang_up("orig.call.1.000000")


async def test_a_phone_in_use_is_busy_for_another_call(pbx: Pbx) -> None:
    """In either role."""
    await pbx.originate("1", "2")
    await pbx.clock.advance(10)
    as_callee = await pbx.originate("8", "2")
    as_caller = await pbx.originate("1", "9")
    await pbx.clock.advance(5)
    assert as_callee.result == "busy"
    assert as_caller.result == "caller_unreachable"


async def test_a_phone_with_lines_takes_as_many_calls(pbx: Pbx) -> None:
    """And stays in use until the last of them has ended."""
    calls = [await pbx.originate(caller, "9") for caller in ("1", "2", "8")]
    await pbx.clock.advance(8)
    assert {call.state for call in calls} == {"connected"}
    pbx.sandbox.hang_up(calls[0].id)
    assert pbx.sandbox.phones.state("9") == "InUse"


async def test_external_caller_through_a_trunk(pbx: Pbx) -> None:
    """The first leg leaves by the trunk that the request names."""
    call = await pbx.originate("0912777", "8", trunk_name="main_trunk")
    await pbx.clock.advance(60)
    (row,) = await pbx.rows()
    assert call.result == "answered"
    assert row["channel"].startswith("SIP/main_trunk-")


async def test_a_trunk_that_an_inside_caller_does_not_need(pbx: Pbx) -> None:
    """The documents' sample names one all the same: it does not matter."""
    await pbx.originate("1", "8", trunk_name="cisco")
    await pbx.clock.advance(60)
    (row,) = await pbx.rows()
    assert (row["disposition"], row["channel"][:6]) == ("ANSWERED", "SIP/1-")


@pytest.mark.parametrize(
    "changes",
    [
        {"trunks": ()},
        {"contexts": (Context("main_routing"),)},
        {"contexts": (Context("main_routing", "spare_trunk"),)},
    ],
)
async def test_a_callee_that_no_trunk_leads_to(
    pbx: Pbx, changes: dict[str, object]
) -> None:
    """The second leg cannot be built."""
    pbx.sandbox.configure(**changes)
    call = await pbx.originate("1", "0912777")
    await pbx.clock.advance(3)
    assert call.result == "failed"


async def test_events_of_a_call(pbx: Pbx, connected: Receiver) -> None:
    """Each phone's states, the second leg on its way, and the end."""
    call = await pbx.originate("1", "8")
    await pbx.clock.advance(60)
    story = [
        (name, fields.get("exten"), fields.get("state"), fields.get("participant"))
        for name, fields in zip(
            connected.names(), (event.fields for event in connected.events), strict=True
        )
    ]
    assert story == [
        ("NewState", "1", "Ringing", "8"),
        ("NewState", "1", "InUse", "8"),
        ("OutgoingCall", None, None, None),
        ("NewState", "8", "Ringing", "1"),
        ("NewState", "8", "InUse", "1"),
        ("NewState", "1", "Idle", None),
        ("NewState", "8", "Idle", None),
        ("Cdr", None, None, None),
    ]
    directions = [fields.get("direction") for fields in connected.of("NewState")]
    assert directions == ["out", "out", "in", "in", None, None]
    assert {event.fields["unique_id"] for event in connected.events} == {call.unique_id}


async def test_unreachable_caller_has_no_cdr_event(
    pbx: Pbx, connected: Receiver
) -> None:
    """Only the report knows of it."""
    await pbx.originate("4", "1")
    await pbx.clock.advance(60)
    assert connected.of("Cdr") == connected.of("OutgoingCall") == []
    assert len(await pbx.rows()) == 1


async def test_an_incoming_call(pbx: Pbx, connected: Receiver) -> None:
    """It rings an extension and leaves a row without an originated call."""
    call = pbx.sandbox.incoming("0915123", "8")
    assert pbx.sandbox.calls == [call]
    await pbx.clock.advance(10)
    assert (call.result, call.ring_time, call.talk_time) == ("answered", 1, 6)
    (row,) = await pbx.rows()
    assert (row["type"], row["src"], row["dst"]) == ("incoming", "0915123", "8")
    assert row["entry_point"] == "main_trunk"
    assert "originated_call_id" not in row
    assert connected.names()[0] == "IncomingCall"
    assert connected.of("IncomingCall")[0]["number"] == "0915123"
    assert connected.of("IncomingCall")[0]["entry_point"] == "main_trunk"
    (cdr,) = connected.of("Cdr")
    assert cdr["type"] == "incoming"
    assert "originated_call_id" not in cdr


async def test_an_incoming_call_to_nobody(pbx: Pbx) -> None:
    """There is no such extension."""
    pbx.sandbox.configure(trunks=())
    call = pbx.sandbox.incoming("0915123", "99")
    await pbx.clock.advance(1)
    assert call.result == "failed"


async def test_ids(pbx: Pbx) -> None:
    """They look as documented, and no two are the same."""
    calls = [await pbx.originate("4", "1") for _ in range(3)]
    ids = {call.id for call in calls}
    assert len(ids) == 3
    for call_id in ids:
        assert re.fullmatch(rf"orig\.call\.{int(START)}\.\d{{6}}", call_id)
