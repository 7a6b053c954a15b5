"""Tests of calls through a real Asterisk, checked at both ends."""

import asyncio
from functools import partial
import re
import time
from typing import Any

from aiohttp import BasicAuth
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.aiohttp_client import async_get_clientsession
import pytest

from custom_components.pbx.backends.updates import CallState
from scripts.support.asterisk import CONTEXT, TRUNK, Asterisk, Behavior, server
from scripts.support.asterisk.scenarios import being_rung

from .house import House, add_dialplan, set_channels, until
from .times import is_about

ANSWER, BUSY, DECLINE = Behavior.ANSWER, Behavior.BUSY, Behavior.DECLINE
NEVER = Behavior.NEVER_ANSWER


async def test_answered(house: House, asterisk: Asterisk) -> None:
    """Both talk until the callee hangs up; phones show who calls."""
    caller = await asterisk.phone("557")
    callee = await asterisk.phone("552", hang_up_after=1)
    outcome = await house.call()

    call_id = outcome.pop("originated_call_id")
    assert call_id.startswith("ha-")
    assert is_about(outcome.pop("talk_time"), 1)
    assert is_about(outcome.pop("ring_time"), 0.2, early=0.2)
    assert outcome == {
        "result": "answered",
        "caller_answered": True,
        "cause": "normal_clearing",
        "caller": "557",
        "callee": "552",
        "caller_contact": None,
        "callee_contact": None,
    }
    for phone in (caller, callee):
        assert phone.messages[0].header("From").startswith('"Doorbell" <sip:100@')
        counts = await phone.stop()
        assert (counts.created, counts.successful, counts.failed) == (1, 1, 0)


async def test_caller_hangs_up(house: House, asterisk: Asterisk) -> None:
    """The result is the same if the caller hangs up."""
    caller = await asterisk.phone("557", hang_up_after=1)
    callee = await asterisk.phone("552")
    outcome = await house.call()

    assert outcome["result"] == "answered"
    assert (await caller.stop()).successful == 1
    assert (await callee.stop()).received["BYE"] == 1


@pytest.mark.parametrize(
    ("behavior", "cause", "rings"),
    [
        (NEVER, "no_answer", 1),
        (BUSY, "user_busy", 0),
        (Behavior.RING_THEN_BUSY, "user_busy", 1),
        (DECLINE, "call_rejected", 0),
        (Behavior.RING_THEN_DECLINE, "call_rejected", 1),
        (Behavior.UNAVAILABLE, "no_answer", 0),
        (Behavior.DEAD, "no_answer", 0),
    ],
)
async def test_caller_not_reached(
    house: House, asterisk: Asterisk, behavior: Behavior, cause: str, rings: int
) -> None:
    """A caller who does not answer is unreachable, with a cause; no callee rings."""
    caller = await asterisk.phone("557", behavior)
    callee = await asterisk.phone("552")
    began = time.monotonic()
    outcome = await house.call(timeout=3)

    assert (outcome["result"], outcome["cause"]) == ("caller_unreachable", cause)
    assert outcome["caller_answered"] is False
    if behavior in {NEVER, Behavior.DEAD}:
        assert is_about(time.monotonic() - began, 3)
    assert (await caller.stop()).sent["180"] == rings
    assert (await callee.stop()).created == 0


async def test_caller_not_registered(house: House, asterisk: Asterisk) -> None:
    """A phone that is not registered is an unreachable caller."""
    (asterisk.folder / "etc/pjsip.conf").open("a").write(
        "\n[599]\ntype = endpoint\ncontext = from-internal\nallow = ulaw\naors = 599\n"
        "[599]\ntype = aor\nmax_contacts = 1\n"
    )
    await asterisk.cli("module reload res_pjsip.so")
    outcome = await house.call(caller="599")

    assert (outcome["result"], outcome["cause"]) == ("caller_unreachable", None)
    assert await asterisk.channels() == []


async def test_unknown_caller(house: House, asterisk: Asterisk) -> None:
    """A phone that does not exist is an error, and no call is placed."""
    with pytest.raises(HomeAssistantError, match="has no phone or trunk PJSIP/998"):
        await house.call(caller="998")
    assert await asterisk.channels() == []
    assert not house.open_calls


@pytest.mark.parametrize(
    ("behavior", "result", "cause", "sent"),
    [
        (BUSY, "busy", "user_busy", "486"),
        (Behavior.RING_THEN_BUSY, "busy", "user_busy", "486"),
        (DECLINE, "declined", "call_rejected", "603"),
        (Behavior.RING_THEN_DECLINE, "declined", "call_rejected", "603"),
        (Behavior.UNAVAILABLE, "no_answer", "no_answer", "480"),
        # The ring time applies; the dialplan would let it ring for 20 seconds.
        (NEVER, "no_answer", "normal_clearing", "487"),
    ],
)
async def test_callee_not_reached(
    house: House,
    asterisk: Asterisk,
    behavior: Behavior,
    result: str,
    cause: str,
    sent: str,
) -> None:
    """A callee who does not answer, is busy, or declines."""
    caller = await asterisk.phone("557")
    callee = await asterisk.phone("552", behavior)
    outcome = await house.call(timeout=3)

    assert (outcome["result"], outcome["cause"]) == (result, cause)
    assert outcome["caller_answered"] is True
    assert outcome["talk_time"] is None
    if behavior is NEVER:
        assert is_about(outcome["ring_time"], 3)
    assert (await caller.stop()).successful == 1
    assert (await callee.stop()).sent[sent] == 1


@pytest.mark.parametrize(
    "refusal",
    [
        "404 Not Found",
        "484 Address Incomplete",
        "488 Not Acceptable Here",
        "500 Server Internal Error",
        "604 Does Not Exist Anywhere",
    ],
)
async def test_callee_cannot_be_reached(
    house: House, asterisk: Asterisk, refusal: str
) -> None:
    """A line error is a failed call, not an unanswered one."""
    await asterisk.phone("557")
    callee = await asterisk.phone("552", BUSY, refusal=refusal)
    outcome = await house.call()

    assert (outcome["result"], outcome["talk_time"]) == ("failed", None)
    assert (await callee.stop()).sent[refusal[:3]] == 1


@pytest.mark.parametrize(
    ("cause", "result", "word"),
    [
        (17, "busy", "user_busy"),
        (19, "no_answer", "no_answer"),
        (21, "declined", "call_rejected"),
    ],
)
async def test_dialplan_refuses(
    house: House, asterisk: Asterisk, cause: int, result: str, word: str
) -> None:
    """The cause of the dialplan's `Hangup` decides the result."""
    await add_dialplan(asterisk, f"exten => 720,1,Hangup({cause})")
    await asterisk.phone("557")
    outcome = await house.call("720")

    assert (outcome["result"], outcome["cause"]) == (result, word)


@pytest.mark.parametrize("after", [0.5, 3])
async def test_caller_leaves_what_answered_itself(
    house: House, asterisk: Asterisk, after: float
) -> None:
    """A call hung up during a menu was answered, however soon."""
    await asterisk.phone("557", hang_up_after=after)
    outcome = await house.call("*43")

    assert (outcome["result"], outcome["cause"]) == ("answered", "normal_clearing")
    assert is_about(outcome["talk_time"], after)


@pytest.mark.parametrize("caller", ["557", "600"])
@pytest.mark.parametrize("options", ["", "/n", "/j"])
async def test_dialplan_rings_first(
    house: House, asterisk: Asterisk, caller: str, options: str
) -> None:
    """A phone or group that the dialplan dials is limited, and can be hung up."""
    await add_dialplan(asterisk, "exten => 600,1,Dial(PJSIP/557&PJSIP/558)")
    await set_channels(house, internal_channel=f"Local/{{number}}@{CONTEXT}{options}")
    await asterisk.phone("557")
    callee = await asterisk.phone("552")
    outcome = await house.call(caller=caller, call_limit=2)

    assert (outcome["result"], outcome["caller_answered"]) == ("answered", True)
    assert is_about(outcome["talk_time"], 2)
    answered, ended = await callee.saw("ACK"), await callee.saw("BYE")
    assert is_about(ended.time - answered.time, 2)

    call = await house.begin(caller=caller)
    await house.until_state(call, CallState.CONNECTED)
    await house.run("hang_up")
    await callee.saw("BYE", times=2)
    await asterisk.idle()


async def test_caller_outside_without_a_trunk(house: House, asterisk: Asterisk) -> None:
    """The dialplan routes to an external caller as it does to phones."""
    await set_channels(house, external_channel=f"Local/{{number}}@{CONTEXT}")
    outside = await asterisk.phone(TRUNK)
    await asterisk.phone("557", hang_up_after=1)
    outcome = await house.call("557", caller="0215551234")

    assert outcome["result"] == "answered"
    assert is_about(outcome["talk_time"], 1)
    assert outside.messages[0].text.startswith("INVITE sip:0215551234@")


async def test_channels_that_asterisk_rings(house: House, asterisk: Asterisk) -> None:
    """Lowercase technologies work, and so does an address behind a trunk."""
    settings = (asterisk.folder / "etc/pjsip.conf").read_text()
    found = re.search(r"sip:(127\.0\.0\.2:\d+)", settings)
    assert found is not None
    channel = f"pjsip/{{trunk}}/sip:{{number}}@{found[1]}"
    await set_channels(
        house, internal_channel="pjsip/{number}", external_channel=channel
    )
    outside = await asterisk.phone(TRUNK)
    await asterisk.phone("557")
    await asterisk.phone("552", hang_up_after=0.2)

    assert (await house.call())["result"] == "answered"
    outcome = await house.call(caller="0215551234", trunk_name=TRUNK)
    assert outcome["result"] == "answered"
    assert outside.messages[0].text.startswith("INVITE sip:0215551234@")
    with pytest.raises(HomeAssistantError, match="has no phone or trunk PJSIP/998"):
        await house.call(caller="998")


async def test_wrong_extension(house: House, asterisk: Asterisk) -> None:
    """A number that the dialplan does not know fails, with the caller on the phone."""
    caller = await asterisk.phone("557")
    outcome = await house.call("998")

    assert (outcome["result"], outcome["caller_answered"]) == ("failed", True)
    assert (await caller.stop()).received["ACK"] == 1


async def test_announcement(house: House, asterisk: Asterisk) -> None:
    """What the dialplan itself answers has answered."""
    caller = await asterisk.phone("557")
    outcome = await house.call("700")

    assert outcome["result"] == "answered"
    assert outcome["talk_time"] > 0
    assert (await caller.stop()).received["BYE"] == 1


async def test_mailbox(house: House, asterisk: Asterisk) -> None:
    """A mailbox that answers instead is not hung up at the ring time."""
    await add_dialplan(
        asterisk, "exten => 710,1,Dial(PJSIP/552,2)", " same => n,Echo()"
    )
    caller = await asterisk.phone("557")
    callee = await asterisk.phone("552", NEVER)
    call = await house.begin("710", timeout=3)
    await callee.saw("CANCEL")
    await asyncio.sleep(3)
    assert len(await asterisk.channels()) == 1
    assert call.result is None

    await house.run("hang_up")
    await house.until_state(call, CallState.ENDED)
    assert call.result == "no_answer"
    assert is_about(call.ring_time or 0, 2)
    assert (await caller.stop()).received["BYE"] == 1


async def test_hunt(house: House, asterisk: Asterisk) -> None:
    """Phones that ring one after another have the full ring time each."""
    await add_dialplan(
        asterisk,
        "exten => 711,1,Dial(PJSIP/551,2)",
        " same => n,Dial(PJSIP/552,2)",
        " same => n,Dial(PJSIP/553,20)",
    )
    for number in ("551", "552"):
        await asterisk.phone(number, NEVER)
    await asterisk.phone("557")
    third = await asterisk.phone("553", ring=2, hang_up_after=0.5)
    outcome = await house.call("711", timeout=3)

    assert outcome["result"] == "answered"
    assert (await third.stop()).successful == 1


async def test_dialplan_answers(house: House, asterisk: Asterisk) -> None:
    """An answer of the dialplan is awaited as a person's, and limited."""
    await add_dialplan(asterisk, "exten => 712,1,Echo()")
    caller = await asterisk.phone("557")
    outcome = await house.call("712", wait_until="answered", call_limit=4)
    assert outcome["result"] is None
    assert len(await asterisk.channels()) == 1

    await until(lambda: not house.open_calls)
    answered, ended = await caller.saw("ACK"), await caller.saw("BYE")
    assert is_about(ended.time - answered.time, 4)
    assert house.latest["result"] == "answered"


async def test_caller_forwards(
    house: House, asterisk: Asterisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the caller's phone forwards, no other phone answers instead."""

    def forwarding(behavior: Behavior, **manner: Any) -> str:  # noqa: ANN401 - passed on
        scenario = being_rung(behavior, **manner)
        scenario = scenario.replace("486 Busy Here", "302 Moved Temporarily")
        return scenario.replace("<sip:[local_ip]", "<sip:553@[local_ip]")

    other = await asterisk.phone("553", ring=2)
    callee = await asterisk.phone("552")
    monkeypatch.setattr(server, "being_rung", forwarding)
    await asterisk.phone("557", BUSY)
    outcome = await house.call()

    assert outcome["result"] == "caller_unreachable"
    await asterisk.idle()
    counts = await other.stop()
    assert counts.sent["487"] == counts.created
    assert (await callee.stop()).created == 0


async def test_call_limit(house: House, asterisk: Asterisk) -> None:
    """The limit counts from the callee's answer, as the callee's phone sees it."""
    await asterisk.phone("557", ring=0.5)
    callee = await asterisk.phone("552", ring=1)
    outcome = await house.call(call_limit=2)

    answered, ended = await callee.saw("ACK"), await callee.saw("BYE")
    assert is_about(ended.time - answered.time, 2)
    assert outcome["result"] == "answered"
    assert is_about(outcome["talk_time"], 2)


async def test_call_limit_over_a_restart(house: House, asterisk: Asterisk) -> None:
    """A reload does not lift the limit."""
    await asterisk.phone("557")
    callee = await asterisk.phone("552")
    call = await house.begin(call_limit=3)
    await house.until_state(call, CallState.CONNECTED)
    await house.hass.config_entries.async_unload(house.entry.entry_id)
    await asyncio.sleep(1)
    await house.hass.config_entries.async_setup(house.entry.entry_id)
    await house.until_state(call, CallState.ENDED)

    answered, ended = await callee.saw("ACK"), await callee.saw("BYE")
    assert is_about(ended.time - answered.time, 3)
    assert call.result == "answered"


async def test_absolute_limit(house: House, asterisk: Asterisk) -> None:
    """Asterisk has a limit of its own, if Home Assistant is stopped."""
    await asterisk.phone("557")
    callee = await asterisk.phone("552")
    call = await house.begin(timeout=5, call_limit=30)
    await callee.saw("ACK")
    left = await _absolute_limit(house, asterisk, call.originated_call_id)

    # Twice the ring time, the call limit, and a minute, from the request on.
    assert 90 < left <= 100
    await house.run("hang_up")


async def _absolute_limit(house: House, asterisk: Asterisk, call_id: str) -> float:
    """Return the seconds after which Asterisk ends a call by itself."""
    session = async_get_clientsession(house.hass)
    async with session.get(
        f"{asterisk.url}/ari/channels/{call_id}/variable",
        params={"variable": "TIMEOUT(absolute)"},
        auth=BasicAuth(asterisk.username, asterisk.password),
    ) as response:
        return float((await response.json())["value"])


async def test_reported_at_once(house: House, asterisk: Asterisk) -> None:
    """A conversation is reported when it begins, not at its end."""
    await asterisk.phone("557")
    callee = await asterisk.phone("552")
    outcome = await house.call(wait_until="answered")
    reported = time.time()

    assert outcome["result"] is None
    assert is_about(reported - (await callee.saw("ACK")).time, 0)
    await house.run("hang_up")


async def test_hang_up_while_the_caller_rings(house: House, asterisk: Asterisk) -> None:
    """A call can be hung up before it is answered."""
    caller = await asterisk.phone("557", NEVER)
    call = await house.begin()
    await caller.saw("180")
    await house.run("hang_up", originated_call_id=call.originated_call_id)
    await house.until_state(call, CallState.ENDED)

    assert call.result == "caller_unreachable"
    assert (await caller.stop()).received["CANCEL"] == 1


async def test_hang_up_while_the_callee_rings(house: House, asterisk: Asterisk) -> None:
    """A call can be hung up while the callee rings."""
    caller = await asterisk.phone("557")
    callee = await asterisk.phone("552", NEVER)
    call = await house.begin()
    await callee.saw("180")
    await house.run("hang_up", originated_call_id=call.originated_call_id)
    await house.until_state(call, CallState.ENDED)

    assert call.result == "no_answer"
    assert (await callee.stop()).received["CANCEL"] == 1
    assert (await caller.stop()).received["BYE"] == 1


async def test_hang_up_while_they_talk(house: House, asterisk: Asterisk) -> None:
    """A conversation that is hung up was answered."""
    caller = await asterisk.phone("557")
    callee = await asterisk.phone("552")
    call = await house.begin()
    await callee.saw("ACK")
    response = await house.run("hang_up")
    await house.until_state(call, CallState.ENDED)

    assert response == {"hung_up": [call.originated_call_id], "failed": []}
    assert call.result == "answered"
    for phone in (caller, callee):
        assert (await phone.stop()).received["BYE"] == 1
    response = await house.run("hang_up", originated_call_id=call.originated_call_id)
    assert response == {"hung_up": [], "failed": []}


async def test_outside(house: House, asterisk: Asterisk) -> None:
    """An external callee is reached by the dialplan, a caller by the trunk."""
    await asterisk.phone("557")
    outside = await asterisk.phone(TRUNK, hang_up_after=0.5)
    outcome = await house.call("0215551234")
    assert outcome["result"] == "answered"
    reported = house.latest
    assert (reported["direction"], reported["trunk"]) == ("outgoing", TRUNK)

    outcome = await house.call("557", caller="0215551234", trunk_name=TRUNK)
    assert outcome["result"] == "answered"
    assert (await outside.stop()).created == 2


async def test_internal_caller_and_a_trunk(house: House, asterisk: Asterisk) -> None:
    """With a default trunk, an internal caller still rings inside."""
    kitchen = await asterisk.phone("557")
    await asterisk.phone("552", hang_up_after=0.2)
    outside = await asterisk.phone(TRUNK)
    options = {**house.entry.options, "trunk_name": TRUNK}
    house.hass.config_entries.async_update_entry(house.entry, options=options)
    await house.hass.async_block_till_done()
    await house.until_listening()

    assert (await house.call())["result"] == "answered"
    assert (await house.call(trunk_name=TRUNK))["result"] == "answered"
    assert (await kitchen.stop()).created == 2
    assert (await outside.stop()).created == 0


@pytest.mark.parametrize("caller_id", ["", "02155"])
async def test_number_of_the_trunk(
    house: House, asterisk: Asterisk, caller_id: str
) -> None:
    """An external caller sees the trunk's number, and never their own."""
    settings = asterisk.folder / "etc/pjsip.conf"
    trunk = "[provider](phone)\n"
    with_number = f"{trunk}from_user = 02155500000\nfrom_domain = house.test\n"
    settings.write_text(settings.read_text().replace(trunk, with_number))
    await asterisk.cli("module reload res_pjsip.so")
    outside = await asterisk.phone(TRUNK)
    await asterisk.phone("557", hang_up_after=0.2)
    data = {"caller": "0215551234", "trunk_name": TRUNK, "caller_id": caller_id}
    outcome = await house.call("557", **data)

    assert outcome["result"] == "answered"
    assert "<sip:02155500000@house.test>" in outside.messages[0].header("From")


@pytest.mark.parametrize(
    ("caller_id", "shown"),
    [("", '"Anonymous" <sip:anonymous@'), ("02155", '"Doorbell" <sip:02155@')],
)
async def test_caller_id_outside(
    house: House, asterisk: Asterisk, caller_id: str, shown: str
) -> None:
    """A trunk without a number of its own shows the caller ID, or nothing."""
    outside = await asterisk.phone(TRUNK)
    await asterisk.phone("557", hang_up_after=0.2)
    data = {"caller": "0215551234", "trunk_name": TRUNK, "caller_id": caller_id}
    await house.call("557", **data)

    assert outside.messages[0].header("From").startswith(shown)


async def test_escalate(house: House, asterisk: Asterisk) -> None:
    """Callees ring one after another until one answers."""
    first = await asterisk.phone("551", DECLINE)
    second = await asterisk.phone("552", NEVER)
    third = await asterisk.phone("553", hang_up_after=1)
    fourth = await asterisk.phone("554")
    escalation = await house.run(
        "escalate", callers=["551", "552", "553", "554"], callee="700", timeout=3
    )

    assert escalation["answered_by"] == "553"
    results = [attempt["result"] for attempt in escalation["attempts"]]
    assert results == ["caller_unreachable", "caller_unreachable", "answered"]
    await until(lambda: not house.open_calls)
    counted = [(await phone.stop()).created for phone in (first, second, third, fourth)]
    assert counted == [1, 1, 1, 0]


async def test_escalate_callees(house: House, asterisk: Asterisk) -> None:
    """The caller, who is rung once, is connected to the first who answers."""
    caller = await asterisk.phone("557")
    busy = await asterisk.phone("551", BUSY)
    there = await asterisk.phone("552", hang_up_after=1)
    escalation = await house.run("escalate", callees=["551", "552"], timeout=10)

    assert escalation["answered_by"] == "552"
    await until(lambda: not house.open_calls)
    assert (await caller.stop()).created == 1
    assert (await busy.stop()).sent["486"] == 1
    assert (await there.stop()).successful == 1


async def test_ten_at_once(house: House, asterisk: Asterisk) -> None:
    """Ten calls at once end as each of them should, once each."""
    options = {**house.entry.options, "calls_at_once": 0}
    house.hass.config_entries.async_update_entry(house.entry, options=options)
    caller = await asterisk.phone("557")
    phones = [
        await asterisk.phone("551", hang_up_after=0.5),
        await asterisk.phone("552", BUSY),
        await asterisk.phone("553", DECLINE),
        await asterisk.phone("554", NEVER),
        await asterisk.phone("555", hang_up_after=1),
    ]
    # Other numbers of the same phones: the same call again would join the first.
    callees = [f"{digit}{phone.number}" for digit in (1, 2) for phone in phones]
    place = partial(house.call, context="from-trunk", timeout=5)
    outcomes = await asyncio.gather(*map(place, callees))

    results = ["answered", "busy", "declined", "no_answer", "answered"] * 2
    assert [outcome["result"] for outcome in outcomes] == results
    assert len({outcome["originated_call_id"] for outcome in outcomes}) == 10
    assert (await caller.stop()).created == 10
    assert [(await phone.stop()).created for phone in phones] == [2] * 5
    assert not house.open_calls
