"""Tests of the recipes that show calls, place them, or connect several people."""

from typing import Any

from homeassistant.core import Context
from homeassistant.exceptions import ServiceValidationError
import pytest

from .conftest import MOBILE, PAGING, ROOM, House
from .pages import configs

STRANGER = "02177770000"
TAP = "mobile_app_notification_action"


async def missed(house: House, number: str = STRANGER, phone: str = "104") -> None:
    """Place an incoming call, and wait until it has ended."""
    house.record("notify.mobile_app_mom")
    await house.use("missed-call")
    house.sandbox.incoming(number, phone)
    await house.live(40)


async def test_missed_call(house: House) -> None:
    """A missed call is shown; a tap rings the user's phone and then calls back."""
    await missed(house)
    (shown,) = house.data("notify.mobile_app_mom")
    assert shown["message"] == f"{STRANGER} called."
    assert house.rung == [(STRANGER, "104")]
    (button,) = shown["data"]["actions"]
    house.hass.bus.async_fire(TAP, {"action": "CALL_BACK_of_another"})
    house.hass.bus.async_fire(TAP, {"action": button["action"]})
    await house.settle()

    assert house.rung[1:] == [("101", STRANGER)]
    # The call from here is none that was missed.
    await house.live(60)
    assert len(house.acted["notify.mobile_app_mom"]) == 1


async def test_missed_call_of_a_contact(house: House) -> None:
    """A contact is shown by name, and called back."""
    house.hass.config.country = "IR"
    await missed(house, "+989121234567")
    (shown,) = house.data("notify.mobile_app_mom")
    assert shown["message"] == "Mom called."
    house.hass.bus.async_fire(TAP, {"action": shown["data"]["actions"][0]["action"]})
    await house.settle()

    assert house.rung[1:] == [("101", "+989121234567")]


async def test_missed_call_plus_sign(house: House) -> None:
    """A number with a plus sign is called back with it."""
    await missed(house, "+982177770000")
    (shown,) = house.data("notify.mobile_app_mom")
    assert shown["message"] == "+982177770000 called."
    house.hass.bus.async_fire(TAP, {"action": shown["data"]["actions"][0]["action"]})
    await house.settle()

    assert house.rung[1:] == [("101", "+982177770000")]


async def test_missed_call_is_not_called_back(house: House) -> None:
    """Without a tap no one is called; a late one does nothing."""
    await missed(house)
    (shown,) = house.data("notify.mobile_app_mom")
    await house.live(4 * 3600 + 60, step=1220)
    house.hass.bus.async_fire(TAP, {"action": shown["data"]["actions"][0]["action"]})
    await house.settle()

    assert len(house.rung) == 1


async def test_missed_call_withheld(house: House) -> None:
    """A withheld number is shown as such, and cannot be called back."""
    await missed(house, "")
    (shown,) = house.data("notify.mobile_app_mom")

    assert shown["message"] == "Someone with a withheld number called."
    assert "data" not in shown


async def test_missed_call_answered(house: House) -> None:
    """Neither an answered call nor an unreachable PBX is a missed call."""
    await missed(house, phone="101")
    await house.vanish()
    await house.live(65, step=5)

    assert not house.done


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (MOBILE, "Mom is calling."),
        (STRANGER, f"{STRANGER} is calling."),
        ("", "A withheld number is calling."),
    ],
)
async def test_show_caller(house: House, number: str, shown: str) -> None:
    """The name or the number of the caller is shown while it rings."""
    await house.use("show-caller")
    house.sandbox.incoming(number, "104")
    await house.live(1)

    assert [data["message"] for data in house.notifications] == [shown]


async def test_show_caller_during_a_call(house: House) -> None:
    """No number is shown while a call from Home Assistant is active."""
    await house.use("show-caller")
    await house.hass.services.async_call(
        "pbx", "originate", {"caller": "101", "callee": "102"}, blocking=True
    )
    house.sandbox.incoming(STRANGER, "104")
    await house.live(1)

    assert not house.done


async def sign_in(house: House, name: str) -> Context:
    """Create a user and a person, and return the context of the user."""
    user = await house.hass.auth.async_create_user(name, group_ids=["system-users"])
    attributes = {"user_id": user.id}
    house.hass.states.async_set(f"person.{name}", "home", attributes)
    return Context(user_id=user.id)


async def tap(house: House, card: dict[str, Any], context: Context) -> None:
    """Do what a tap on a card does."""
    action = card["tap_action"]
    domain, service = action["perform_action"].split(".")
    data = {**action.get("data", {}), **action.get("target", {})}
    await house.hass.services.async_call(
        domain, service, data, context=context, blocking=True
    )
    await house.settle()


async def test_click_to_call(house: House) -> None:
    """Each user is called on their own phone."""
    await house.use("click-to-call")
    _, card = configs("click-to-call")
    # A person without a user account.
    house.hass.states.async_set("person.baby", "home")
    for name in ("mom", "dad"):
        await tap(house, card, await sign_in(house, name))

    assert house.rung == [("101", "103"), ("102", "103")]


async def test_click_to_call_without_a_phone(house: House) -> None:
    """A user without a phone gets an error, and so does a context without a user."""
    script = await house.use("click-to-call")
    _, card = configs("click-to-call")
    with pytest.raises(ServiceValidationError) as guest:
        await tap(house, card, await sign_in(house, "guest"))
    house.hass.states.async_set("person.baby", "home", {"user_id": None})
    with pytest.raises(ServiceValidationError) as system:
        await tap(house, card, Context())
    for error in (guest.value, system.value):
        assert error.translation_key == "missing_fields"
        assert error.translation_placeholders == {"fields": "caller"}

    assert not house.rung
    assert script == "script.call_from_my_phone"


async def test_click_to_call_abroad(house: House) -> None:
    """A number keeps its plus sign."""
    await house.use("click-to-call")
    await house.hass.services.async_call(
        "script",
        "call_from_my_phone",
        {"callee": "+982177770000"},
        context=await sign_in(house, "mom"),
        blocking=True,
    )

    assert house.rung == [("101", "+982177770000")]


async def test_call_panel(house: House) -> None:
    """The cards name what exists, and a tap on the tile calls the contact."""
    (view,) = configs("call-panel")
    cards = [card for section in view["sections"] for card in section["cards"]]
    names = {each.title for each in house.entry.subentries.values()}
    for card in cards:
        if card["type"] == "custom:pbx-phone-card":
            assert {card["caller"], *card.get("contacts", ())} <= names
    tiles = [card for card in cards if card["type"] == "tile"]
    for tile in tiles:
        state = house.hass.states.get(tile["entity"])
        assert state is not None
        shown = set(tile.get("state_content", ())) - {"state"}
        assert shown <= state.attributes.keys()
    (mom,) = (tile for tile in tiles if "tap_action" in tile)
    await tap(house, mom, await sign_in(house, "mom"))

    assert house.rung == [("101", MOBILE)]


async def test_paging(house: House) -> None:
    """The user's phone rings first, then all speakers, for a minute at most."""
    await house.change("input_button.page", "unknown")
    await house.use("paging")
    await house.change("input_button.page", "unavailable", "unknown")
    assert not house.rung
    house.sandbox.change_phone("101", hang_up_after=None)
    await house.change("input_button.page", "2026-11-24T07:00:00+00:00")

    (call,) = house.sandbox.calls
    assert (call.caller, call.callee) == ("101", PAGING)
    assert call.second_leg is None
    await house.live(10)
    assert call.state == "connected"
    await house.live(60, step=5)
    assert call.result == "answered"


async def test_paging_no_answer(house: House) -> None:
    """No speaker is turned on if the user's phone is not answered."""
    house.silence_phones()
    await house.change("input_button.page", "unknown")
    await house.use("paging")
    await house.change("input_button.page", "2026-11-24T07:00:00+00:00")
    await house.live(25)

    assert house.sandbox.calls[0].second_leg is None


async def test_conference(house: House) -> None:
    """All phones ring at once, and each that is answered joins the room."""
    script = await house.use("conference")
    await house.run(script)
    assert sorted(house.rung) == [(number, ROOM) for number in (MOBILE, "101", "102")]
    await house.live(10)

    assert {call.state for call in house.sandbox.calls} == {"connected"}
    # The mobile is the only one that a trunk has to reach.
    trunks = {call.caller: call.trunk_name for call in house.sandbox.calls}
    assert trunks[MOBILE] == "main_trunk"


async def test_conference_without_one(house: House) -> None:
    """A phone that cannot be called does not stop the others."""
    house.sandbox.configure(trunks=())
    await house.run(await house.use("conference"))

    assert sorted(house.rung) == [("101", ROOM), ("102", ROOM)]


@pytest.mark.parametrize(
    (("callee", "shown")),
    [
        ("Workshop", ["Kitchen to Workshop: busy."]),
        ("104", ["Kitchen to 104: no_answer."]),
        ("105", ["Kitchen to 105: failed."]),
        ("200", []),
    ],
)
async def test_call_not_answered(house: House, callee: str, shown: list[str]) -> None:
    """Only calls that were not answered are shown."""
    await house.use("call-not-answered")
    await house.hass.services.async_call(
        "pbx", "originate", {"caller": "101", "callee": callee}, blocking=True
    )
    await house.live(40)

    assert [data["message"] for data in house.notifications] == shown


async def test_call_not_answered_caller(house: House) -> None:
    """A call whose caller did not answer is shown."""
    await house.use("call-not-answered")
    await house.hass.services.async_call(
        "pbx", "originate", {"caller": "104", "callee": "101"}, blocking=True
    )
    await house.live(60)

    assert [data["message"] for data in house.notifications] == [
        "104 to Kitchen: caller_unreachable."
    ]


async def test_pbx_gone(house: House) -> None:
    """A PBX that is unreachable for five minutes is shown once."""
    await house.use("pbx-gone")
    await house.vanish()
    await house.live(90, step=10)
    await house.come_back()
    await house.live(400, step=20)
    assert not house.notifications
    await house.vanish()
    await house.live(500, step=20)

    assert len(house.notifications) == 1
