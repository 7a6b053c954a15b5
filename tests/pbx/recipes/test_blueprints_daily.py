"""Tests of the blueprints for every day, which run at the sandbox."""

from homeassistant.setup import async_setup_component
import pytest

from .conftest import ANNOUNCEMENT, BEDROOM, MOBILE, House

TAP = "mobile_app_notification_action"
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri"]


async def use_wake_up_call(house: House) -> None:
    """Set a wake-up call up, in a minute, on weekdays."""
    helper = {"wake_up": {"has_time": True, "initial": "07:00:00"}}
    assert await async_setup_component(
        house.hass, "input_datetime", {"input_datetime": helper}
    )
    house.record("test.unanswered")
    (bedroom,) = house.devices("Bedroom")
    await house.apply(
        "wake_up_call",
        time="input_datetime.wake_up",
        weekdays=WEEKDAYS,
        phone=bedroom,
        announcement="Announcement",
        unanswered=[{"action": "test.unanswered"}],
    )


async def test_wake_up_call(house: House) -> None:
    """The phone rings at the time, and once only if it is answered."""
    await use_wake_up_call(house)
    await house.live(55, step=5)
    assert not house.rung
    await house.live(15)
    assert house.rung == [(BEDROOM, ANNOUNCEMENT)]
    await house.live(900, step=30)

    assert len(house.rung) == 1
    assert not house.done


@pytest.mark.parametrize(
    ("fault", "rung"), [("no answer", 3), ("refused", 0), ("gone", 0)]
)
async def test_wake_up_call_fails(house: House, fault: str, rung: int) -> None:
    """The call is repeated every five minutes, and then the actions run."""
    await house.fail(fault)
    await use_wake_up_call(house)
    await house.live(60 + 50)
    assert len(house.rung) == min(rung, 1)
    await house.live(1000, step=5)

    assert len(house.rung) == rung
    assert house.done == ["test.unanswered"]


async def test_wake_up_call_at_the_weekend(house: House) -> None:
    """There is no wake-up call on another day."""
    house.freezer.tick(4 * 24 * 3600)
    await use_wake_up_call(house)
    await house.live(120, step=10)

    assert not house.rung


async def test_quiet_music(house: House) -> None:
    """The players are muted as long as at least one phone rings or is in use."""
    house.record("media_player.volume_mute")
    await house.apply(
        "quiet_music",
        phones=["sensor.kitchen_state", "sensor.living_room_state"],
        players=["media_player.radio"],
    )
    house.sandbox.incoming(MOBILE, "101")
    await house.live(1)
    house.sandbox.incoming("02188880000", "102")
    await house.live(25)
    # The kitchen talks for 20 seconds, the living room for 30.
    assert house.hass.states.is_state("sensor.kitchen_state", "idle")
    muted = house.data("media_player.volume_mute")
    assert all(data["is_volume_muted"] for data in muted)
    await house.live(35)

    assert house.data("media_player.volume_mute")[-1] == {
        "entity_id": ["media_player.radio"],
        "is_volume_muted": False,
    }


STRANGER = "02177770000"


async def missed(
    house: House, number: str = STRANGER, callee: str = "104", *contacts: str
) -> list[dict[str, object]]:
    """Place an incoming call, and return the notifications after its end."""
    pushed = house.install_app()
    (kitchen,) = house.devices("Kitchen")
    await house.apply(
        "missed_call",
        mobile=house.mobile,
        phone=kitchen,
        contacts=house.devices(*contacts),
    )
    house.sandbox.incoming(number, callee)
    await house.live(40)
    return pushed


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (STRANGER, STRANGER),
        ("+982177770000", "+982177770000"),
        ("+989121234567", "Mom"),
    ],
)
async def test_missed_call(house: House, number: str, shown: str) -> None:
    """A missed call is shown; a tap rings the user's phone and then calls back."""
    house.hass.config.country = "IR"
    (notification,) = await missed(house, number)
    assert notification["message"] == f"Call from {shown}."
    (button,) = notification["data"]["actions"]  # type: ignore[index]
    house.hass.bus.async_fire(TAP, {"action": "PBX_CALL_BACK_of_another"})
    await house.settle()
    assert len(house.rung) == 1
    house.hass.bus.async_fire(TAP, {"action": button["action"]})
    await house.settle()

    assert house.rung[1:] == [("101", number)]


async def test_missed_call_withheld(house: House) -> None:
    """A withheld number cannot be called back."""
    (notification,) = await missed(house, "")

    assert notification["message"] == "Call from a withheld number."
    assert notification["data"] == {"actions": []}


async def test_missed_call_answered(house: House) -> None:
    """An answered call is not missed."""
    assert not await missed(house, callee="101")


@pytest.mark.parametrize(("number", "count"), [(STRANGER, 0), (MOBILE, 1)])
async def test_missed_call_of_contacts(house: House, number: str, count: int) -> None:
    """Where contacts are selected, others do not count."""
    assert len(await missed(house, number, "104", "Mom")) == count


async def test_missed_call_is_not_called_back(house: House) -> None:
    """A late tap does nothing."""
    (notification,) = await missed(house)
    await house.live(4 * 3600 + 60, step=1220)
    (button,) = notification["data"]["actions"]  # type: ignore[index]
    house.hass.bus.async_fire(TAP, {"action": button["action"]})
    await house.settle()

    assert len(house.rung) == 1
