"""Keys while two people talk, as actions and automations take and send them."""

import asyncio
from typing import Any

from homeassistant.core import Event
from homeassistant.exceptions import HomeAssistantError
import pytest

from custom_components.pbx.backends.updates import CallState
from custom_components.pbx.calls.call import Call
from scripts.support.asterisk import (
    Asterisk,
    Manner,
    SpeakingPhone,
    SpeakingPhoneCall,
    presses,
)
from tests.pbx.reporting import automate

from .announcing import announce, in_short, is_heard
from .house import House, until
from .proxy import Proxy
from .talking import CALLEE_SAYS, CALLER_SAYS, until_both_hear

PERSON, OTHER = "551", "560"
CALLER, CALLEE = "557", "552"
FAST = {"hold": 0.04, "gap": 0.04}
MANY = "0123456789*#11223344556677889900"

type Reports = list[Event[dict[str, Any]]]


async def watch(house: House, **options: object) -> Reports:
    """Return the keys that an automation sees from now on."""
    trigger = {"trigger": "pbx.key_pressed", "options": options}
    return await automate(
        house.hass, trigger, "digits", "side", "number", "originated_call_id"
    )


def seen(reports: Reports) -> list[tuple[str, str, str]]:
    """Return the keys, who has pressed them, and at which number."""
    # Templates make numbers of digits.
    return [
        tuple(str(each.data[name]) for name in ("digits", "side", "number"))  # type: ignore[misc]
        for each in reports
    ]


async def until_seen(reports: Reports, expected: list[tuple[str, str, str]]) -> None:
    """Wait for keys, and check that none of them comes twice or in another order."""
    await until(lambda: len(reports) >= len(expected))
    await asyncio.sleep(0.5)
    assert seen(reports) == expected


async def talkers(
    asterisk: Asterisk, first: Manner, second: Manner
) -> tuple[SpeakingPhone, SpeakingPhone]:
    """Return the phones of two who talk after an announcement."""
    return (
        await asterisk.speaking_phone(PERSON, first),
        await asterisk.speaking_phone(OTHER, second),
    )


@pytest.mark.parametrize(
    ("data", "manner", "expected"),
    [
        (
            {},
            Manner(says=CALLER_SAYS),
            ("answered", "full", None, None, True),
        ),
        (
            {"confirm_key": "1"},
            Manner(says=CALLER_SAYS, person=presses("1", after=1), by_info=True),
            ("answered", "part", True, None, True),
        ),
    ],
)
async def test_after_an_announcement(
    speaking_house: House,
    asterisk: Asterisk,
    data: dict[str, object],
    manner: Manner,
    expected: tuple[object, ...],
) -> None:
    """Both talk; each key of either counts once; keys reach the party they are for."""
    reports = await watch(speaking_house)
    first, second = await talkers(asterisk, manner, Manner(says=CALLEE_SAYS))
    response = await announce(
        speaking_house, PERSON, connect_to=OTHER, keys=True, **data
    )
    assert in_short(response) == expected
    person, other = await first.call(), await second.call()
    await until_both_hear(person, other)
    # The key that confirms is not one of the conversation.
    assert not reports

    await person.press("129")
    await other.press("##4")
    await until_seen(
        reports,
        [
            *((key, "caller", PERSON) for key in "129"),
            *((key, "callee", OTHER) for key in "##4"),
        ],
    )
    call_id = response["originated_call_id"]
    assert {each.data["originated_call_id"] for each in reports} == {call_id}

    await speaking_house.run("send_keys", keys="*71")
    await until(lambda: other.received_keys.endswith("*71"))
    await speaking_house.run("send_keys", keys="5", to="caller")
    await until(lambda: person.received_keys.endswith("5"))
    # What one presses, the other one hears: nothing else is in between.
    assert other.received_keys == "129*71"
    assert person.received_keys == "##45"
    assert seen(reports)[6:] == []

    await other.hang_up()
    await person.ended()
    assert not person.hung_up_by_phone
    await asterisk.idle(5)
    with pytest.raises(HomeAssistantError):
        await speaking_house.run("send_keys", keys="1")


async def test_pressed_during_the_message(
    speaking_house: House, asterisk: Asterisk
) -> None:
    """They may be a PIN: no automation sees them, and none can be sent."""
    reports = await watch(speaking_house)
    first, second = await talkers(
        asterisk, Manner(person=presses("4711", after=0.5)), Manner()
    )
    running = asyncio.create_task(
        announce(speaking_house, PERSON, connect_to=OTHER, keys=True)
    )
    person = await first.call()
    await person.hears()
    with pytest.raises(HomeAssistantError):
        await speaking_house.run("send_keys", keys="1")
    response = await running

    assert in_short(response) == ("answered", "full", None, None, True)
    assert is_heard(person)
    await (await second.call()).press("3")
    await until_seen(reports, [("3", "callee", OTHER)])
    await person.hang_up()
    await asterisk.idle(5)
    assert "4711" not in asterisk.log()


async def test_second_party_does_not_answer(
    speaking_house: House, asterisk: Asterisk
) -> None:
    """The person hears ringing and is let go; nobody stays alone."""
    first, second = await talkers(
        asterisk, Manner(), Manner(ring=0.2, refusal="486 Busy Here")
    )
    response = await announce(speaking_house, PERSON, connect_to=OTHER, keys=True)
    assert in_short(response) == ("answered", "full", None, None, False)
    await (await first.call()).ended()
    assert len(second.calls) == 1
    await asterisk.idle(5)


async def test_limit_of_the_conversation(
    speaking_house: House, asterisk: Asterisk
) -> None:
    """It counts from the second answer, and ends both calls."""
    first, second = await talkers(asterisk, Manner(), Manner())
    await announce(
        speaking_house, PERSON, connect_to=OTHER, keys=True, call_limit={"seconds": 2}
    )
    person, other = await first.call(), await second.call()
    await person.ended()
    await other.ended()
    assert other.ended_at is not None
    assert other.ended_at - await other.answered() == pytest.approx(2, abs=0.7)
    await asterisk.idle(5)


async def test_reloaded_while_they_talk(
    speaking_house: House, asterisk: Asterisk
) -> None:
    """They talk on, their keys are taken again, and nobody is left alone."""
    reports = await watch(speaking_house)
    first, second = await talkers(
        asterisk, Manner(says=CALLER_SAYS), Manner(says=CALLEE_SAYS)
    )
    await announce(speaking_house, PERSON, connect_to=OTHER, keys=True)
    person, other = await first.call(), await second.call()
    await until_both_hear(person, other)
    entries = speaking_house.hass.config_entries
    await entries.async_reload(speaking_house.entry.entry_id)
    await speaking_house.until_listening()
    await asyncio.sleep(1)
    assert person.ended_at is None
    assert other.ended_at is None

    await person.press("1")
    await other.press("2")
    await until_seen(reports, [("1", "caller", PERSON), ("2", "callee", OTHER)])
    await speaking_house.run("send_keys", keys="3")
    await until(lambda: other.received_keys == "13")
    await person.hang_up()
    await other.ended()
    await asterisk.idle(5)
    await until(lambda: not speaking_house.open_calls)


async def begin(
    house: House, asterisk: Asterisk, *, by_info: bool = False
) -> tuple[Call, SpeakingPhoneCall, SpeakingPhoneCall]:
    """Return a call that takes keys, and its parties, who talk."""
    first = await asterisk.speaking_phone(
        CALLER, Manner(says=CALLER_SAYS, by_info=by_info)
    )
    second = await asterisk.speaking_phone(
        CALLEE, Manner(says=CALLEE_SAYS, by_info=by_info)
    )
    call = await house.begin(CALLEE, keys=True)
    await house.until_state(call, CallState.CONNECTED)
    caller, callee = await first.call(), await second.call()
    await until_both_hear(caller, callee)
    return call, caller, callee


@pytest.mark.parametrize("by_info", [False, True])
async def test_fast_keys(house: House, asterisk: Asterisk, *, by_info: bool) -> None:
    """Each key of an automation counts once, and in order, from both at once."""
    reports = await watch(house)
    _, caller, callee = await begin(house, asterisk, by_info=by_info)
    await asyncio.gather(caller.press(MANY, **FAST), callee.press(MANY, **FAST))
    await until(lambda: len(reports) >= 2 * len(MANY))
    await asyncio.sleep(0.5)

    keys = seen(reports)
    for side, number in (("caller", CALLER), ("callee", CALLEE)):
        assert [each for each in keys if each[1] == side] == [
            (key, side, number) for key in MANY
        ]
    assert len(keys) == 2 * len(MANY)
    await caller.hang_up()
    await asterisk.idle(5)


async def test_sequence(house: House, asterisk: Asterisk) -> None:
    """An automation that waits for a sequence sees it once, as a whole."""
    reports = await watch(house, digits=["*71"], number=CALLEE)
    _, caller, callee = await begin(house, asterisk)
    await caller.press("*71")
    await callee.press("*7*717", **FAST)
    await until_seen(reports, [("*71", "callee", CALLEE)])
    await callee.hang_up()
    await asterisk.idle(5)


async def test_faster_than_read(proxy: Proxy, house: House, asterisk: Asterisk) -> None:
    """Keys that arrive in one go, after the stream has stalled, count once each."""
    reports = await watch(house)
    _, caller, _ = await begin(house, asterisk)
    async with proxy.stalled("GET /ari/events"):
        await caller.press(MANY, **FAST)
        await asyncio.sleep(0.2)
        assert not reports
    await until_seen(reports, [(key, "caller", CALLER) for key in MANY])
    await caller.hang_up()
    await asterisk.idle(5)


async def test_announcement_faster_than_read(
    proxied: House, proxy: Proxy, asterisk: Asterisk
) -> None:
    """Digits that arrive in one go are those that were pressed."""
    phone = await asterisk.speaking_phone(PERSON)
    running = asyncio.create_task(
        announce(proxied, PERSON, digits=32, key_timeout=3, repeat=3)
    )
    call = await phone.call()
    await call.hears()
    async with proxy.stalled("GET /media/"):
        await call.press(f"{MANY.replace('#', '')}#", **FAST)
        await asyncio.sleep(0.2)
    response = await running
    assert in_short(response)[3] == MANY.replace("#", "")
    await call.ended()
    await asterisk.idle(5)


async def test_without_keys(house: House, asterisk: Asterisk) -> None:
    """It is said that the call was placed without them."""
    reports = await watch(house)
    first = await asterisk.speaking_phone(CALLER)
    await asterisk.speaking_phone(CALLEE)
    call = await house.begin(CALLEE)
    await house.until_state(call, CallState.CONNECTED)
    caller = await first.call()
    await caller.press("1")
    with pytest.raises(HomeAssistantError, match="keys"):
        await house.run("send_keys", keys="1")
    await caller.hang_up()
    await asterisk.idle(5)
    assert not reports
