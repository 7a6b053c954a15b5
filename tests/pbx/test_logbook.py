"""Tests of *Activity*, as Home Assistant's own recorder and logbook show it."""

from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.logbook import LazyEventPartialState
from homeassistant.components.logbook.models import async_event_to_row
from homeassistant.components.recorder import Recorder
from homeassistant.core import Event, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.translation import async_load_integrations
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.pbx import logbook
from custom_components.pbx.activity import EVENT_CALL_ENDED
from custom_components.pbx.backends.announcement import Played
from custom_components.pbx.backends.base import Feature
from custom_components.pbx.backends.errors import PbxError, PbxErrorCode
from custom_components.pbx.backends.updates import (
    CallResult,
    CallState,
    CallUpdate,
    Direction,
    ExtensionState,
    ExtensionUpdate,
)
from custom_components.pbx.const import DOMAIN

from .common import pass_time, run_pending, set_options, settle, until
from .people import contact, device_of, entity_of, phone, set_up
from .reporting import begin_call, end_call, observe, ring_in
from .toy import SPEECH, ToyBackend, Toys

MUM = contact("Mum", "09121234567")
KITCHEN, WORKSHOP = phone("Kitchen", "101"), phone("Workshop", "102")


@pytest.fixture(autouse=True)
def _custom_integrations(request: pytest.FixtureRequest) -> None:
    """Enable custom integrations, after the recorder: it comes before the rest."""
    if "recorder_mock" in request.fixturenames:
        request.getfixturevalue("recorder_mock")
    request.getfixturevalue("enable_custom_integrations")


@pytest.fixture
async def house(hass: HomeAssistant, new_toy: MockConfigEntry) -> MockConfigEntry:
    """Return a PBX in Iran with a contact and two extensions."""
    hass.config.country = "IR"
    return await set_up(hass, new_toy, MUM, KITCHEN, WORKSHOP)


def sentence(hass: HomeAssistant, event: Event[Any]) -> str:
    """Return the line of an event, as the interface joins its two parts."""
    line = described(hass, event)
    return f"{line['name']} {line['message']}"


def described(hass: HomeAssistant, event: Event[Any]) -> dict[str, Any]:
    """Return the line of an event."""
    describers: dict[tuple[str, str], Any] = {}
    logbook.async_describe_events(
        hass, lambda *args: describers.update({args[:2]: args[2]})
    )
    row = async_event_to_row(event)
    line: dict[str, Any] = describers[DOMAIN, str(event.event_type)](
        LazyEventPartialState(row, {})
    )
    return line


async def end_other_call(
    hass: HomeAssistant, toy: ToyBackend, result: CallResult, **facts: object
) -> None:
    """Report the end of the call that `ring_in` began."""
    update: Any = {"state": CallState.ENDED, "call_id": "1.2", "result": result}
    toy.sink.call(CallUpdate(**update | facts))
    await settle(hass)


async def miss_call(
    hass: HomeAssistant,
    toys: Toys,
    freezer: FrozenDateTimeFactory,
    result: CallResult = CallResult.NO_ANSWER,
) -> None:
    """End the call that `ring_in` began; another phone may answer for some seconds."""
    await end_other_call(hass, toys.latest, result)
    await pass_time(hass, freezer, 4)


# --- the texts ---


CALLED = [
    (CallResult.ANSWERED, {"talk_time": 120.4}, "answered, 2 min"),
    (CallResult.ANSWERED, {"talk_time": 44.6}, "answered, 45 s"),
    (CallResult.ANSWERED, {"talk_time": 59.7}, "answered, 1 min"),
    (CallResult.ANSWERED, {}, "answered"),
    (CallResult.NO_ANSWER, {"ring_time": 4.0}, "no answer"),
    (CallResult.BUSY, {"talk_time": 0.0}, "busy"),
]


@pytest.mark.parametrize(("result", "times", "words"), CALLED)
async def test_own_call(
    hass: HomeAssistant,
    house: MockConfigEntry,
    toys: Toys,
    result: CallResult,
    times: dict[str, float],
    words: str,
) -> None:
    """A call from here names both parties, by the phone book."""
    events = async_capture_events(hass, EVENT_CALL_ENDED)
    call_id = await begin_call(hass, house, callee="+98 912 123 4567")
    await end_call(hass, toys.latest, call_id, result, **times)

    (event,) = events
    assert sentence(hass, event) == f"Kitchen called Mum: {words}"
    assert described(hass, event)["icon"] == "mdi:phone-outgoing"
    assert event.data["device_id"] == device_of(hass, house, "Mum")


@pytest.mark.parametrize("language", ["en", "fa"])
@pytest.mark.parametrize("result", CallResult)
@pytest.mark.parametrize("talk_time", [None, 20.0, 200.0])
async def test_every_result(
    hass: HomeAssistant,
    house: MockConfigEntry,
    toys: Toys,
    result: CallResult,
    talk_time: float | None,
    language: str,
) -> None:
    """Every result has a text in each language."""
    hass.config.language = language
    await async_load_integrations(hass, {DOMAIN})
    events = async_capture_events(hass, EVENT_CALL_ENDED)
    call_id = await begin_call(hass, house)
    await end_call(hass, toys.latest, call_id, result, talk_time=talk_time)

    (event,) = events
    line = sentence(hass, event)
    assert "Kitchen" in line
    assert "200" in line
    assert not {"{", "None", "_"} & set(line)
    assert ("called" in line) is (language == "en")


class TestAnnouncements:
    """A PBX that can speak."""

    @pytest.fixture
    def toy_features(self) -> tuple[Feature, ...]:
        """Return the features."""
        return (*SPEECH, Feature.OPTIONAL_TRUNK)

    @pytest.mark.parametrize("language", ["en", "fa"])
    @pytest.mark.parametrize(
        ("outcome", "result", "words"),
        [
            ({"played": Played.FULL}, CallResult.ANSWERED, "heard"),
            ({"played": Played.PART}, CallResult.ANSWERED, "heard in part"),
            ({"played": Played.NONE}, CallResult.ANSWERED, "answered, but not heard"),
            ({"confirmed": True}, CallResult.ANSWERED, "confirmed"),
            ({"confirmed": False}, CallResult.ANSWERED, "not confirmed"),
            ({"played": Played.NONE}, CallResult.BUSY, "busy"),
        ],
    )
    @pytest.mark.usefixtures("engine")
    async def test_announcement(
        self,
        hass: HomeAssistant,
        house: MockConfigEntry,
        toys: Toys,
        language: str,
        outcome: dict[str, Any],
        result: CallResult,
        words: str,
    ) -> None:
        """The line of an announcement has no caller, and says what came of it."""
        hass.config.language = language
        await async_load_integrations(hass, {DOMAIN})
        events = async_capture_events(hass, EVENT_CALL_ENDED)
        data = {"callee": "Mum", "message": "Hello"}
        running = hass.async_create_task(
            hass.services.async_call(DOMAIN, "announce", data, blocking=True)
        )
        await until(lambda: toys.latest.requests)
        await run_pending()
        toys.latest.announce(**outcome, state=CallState.ENDED, result=result)
        await running

        (event,) = events
        line = sentence(hass, event)
        if language == "en":
            assert line == f"Announcement to Mum: {words}"
        assert "Mum" in line
        assert not {"{", "None", "_"} & set(line)
        assert described(hass, event)["icon"] == "mdi:phone-message"
        assert event.data["device_id"] == device_of(hass, house, "Mum")


@pytest.mark.parametrize(
    ("caller", "line"),
    [
        ("09121234567", "Missed call from Mum"),
        ("9121234567", "Missed call from Mum"),
        ("02188", "Missed call from 02188"),
        ("{x}", "Missed call from {x}"),
        ("", "Missed call from an unknown number"),
    ],
)
async def test_missed(
    hass: HomeAssistant,
    house: MockConfigEntry,
    toys: Toys,
    freezer: FrozenDateTimeFactory,
    caller: str,
    line: str,
) -> None:
    """A missed call names its caller; the number may be withheld."""
    events = async_capture_events(hass, EVENT_CALL_ENDED)
    await ring_in(hass, toys.latest, caller)
    await miss_call(hass, toys, freezer)

    (event,) = events
    assert sentence(hass, event) == line
    assert described(hass, event)["icon"] == "mdi:phone-missed"
    assert event.data["missed"] is True
    owner = "Mum" if "Mum" in line else "Kitchen"
    assert event.data["device_id"] == device_of(hass, house, owner)
    assert house.entry_id == event.data["config_entry_id"]


async def test_missed_in_persian(
    hass: HomeAssistant,
    house: MockConfigEntry,
    toys: Toys,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Each language has its own word order; names do not change the direction."""
    hass.config.language = "fa"
    await async_load_integrations(hass, {DOMAIN})
    events = async_capture_events(hass, EVENT_CALL_ENDED)
    await ring_in(hass, toys.latest)
    await miss_call(hass, toys, freezer)
    call_id = await begin_call(hass, house, callee="09121234567")
    await end_call(hass, toys.latest, call_id, talk_time=120.0)

    isolates = str.maketrans("\u2068\u2069", "[]")
    assert [sentence(hass, event).translate(isolates) for event in events] == [
        "تماس بی‌پاسخ از [Mum]",
        "[Kitchen] با [Mum] تماس گرفت: [پاسخ داده شد، [[2] دقیقه]]",
    ]


async def test_incoming(
    hass: HomeAssistant, house: MockConfigEntry, toys: Toys
) -> None:
    """A call that came in and was answered is not missed."""
    events = async_capture_events(hass, EVENT_CALL_ENDED)
    await ring_in(hass, toys.latest, "")
    await end_other_call(hass, toys.latest, CallResult.ANSWERED, talk_time=20.0)
    await ring_in(hass, toys.latest, call_id="1.3", callee="")
    await end_other_call(hass, toys.latest, CallResult.ANSWERED, call_id="1.3")

    assert [sentence(hass, event) for event in events] == [
        "An unknown number called Kitchen: answered, 20 s",
        "Mum called: answered",
    ]
    assert described(hass, events[0])["icon"] == "mdi:phone-incoming"
    assert events[0].data["anonymous"] is True
    assert events[1].data["device_id"] == device_of(hass, house, "Mum")


@pytest.mark.parametrize(
    ("caller", "callee", "owner"),
    [
        ("101", "102", "Workshop"),
        ("101", "200", "Kitchen"),
        ("200", "101", "Kitchen"),
        ("200", "201", "Toy"),
    ],
)
async def test_internal(
    hass: HomeAssistant,
    house: MockConfigEntry,
    toys: Toys,
    caller: str,
    callee: str,
    owner: str,
) -> None:
    """A call within the house belongs to the callee's page, if that is a contact."""
    events = async_capture_events(hass, EVENT_CALL_ENDED)
    await ring_in(
        hass, toys.latest, caller, callee=callee, direction=Direction.INTERNAL
    )
    await end_other_call(hass, toys.latest, CallResult.ANSWERED)

    (event,) = events
    assert event.data["device_id"] == device_of(hass, house, owner)
    assert event.data["contact"] is None


async def test_names_of_then(
    hass: HomeAssistant,
    house: MockConfigEntry,
    toys: Toys,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A line keeps the names of the time of its call, even after a removal."""
    events = async_capture_events(hass, EVENT_CALL_ENDED)
    await ring_in(hass, toys.latest)
    await miss_call(hass, toys, freezer, CallResult.BUSY)
    assert await hass.config_entries.async_remove(house.entry_id)

    (event,) = events
    assert sentence(hass, event) == "Missed call from Mum"


async def test_while_not_loaded(
    hass: HomeAssistant, house: MockConfigEntry, toys: Toys
) -> None:
    """A call that ends while its PBX is reloaded has its event, once."""
    events = async_capture_events(hass, EVENT_CALL_ENDED)
    call_id = await begin_call(hass, house)
    assert await hass.config_entries.async_unload(house.entry_id)
    await end_call(hass, toys.latest, call_id)
    assert await hass.config_entries.async_setup(house.entry_id)

    assert len(events) == 1


async def test_refused(hass: HomeAssistant, house: MockConfigEntry, toys: Toys) -> None:
    """A press that the rules or the PBX refuse raises, and has no line."""
    events = async_capture_events(hass, EVENT_CALL_ENDED)
    press = {"entity_id": entity_of(hass, house, "Mum", "call")}
    await set_options(hass, house, forbidden_numbers=["0912*"])
    with pytest.raises(ServiceValidationError, match="forbidden"):
        await hass.services.async_call("button", "press", press, blocking=True)
    await set_options(hass, house, forbidden_numbers=[])
    toys.latest.error = PbxError(PbxErrorCode.REFUSED, "No way")
    with pytest.raises(HomeAssistantError, match="No way"):
        await hass.services.async_call("button", "press", press, blocking=True)
    await settle(hass)

    assert events == []


async def test_language_that_is_not_loaded(
    hass: HomeAssistant, house: MockConfigEntry, toys: Toys
) -> None:
    """Changing the language does not lose a line."""
    events = async_capture_events(hass, EVENT_CALL_ENDED)
    hass.config.language = "de"
    await end_call(
        hass, toys.latest, await begin_call(hass, house), CallResult.DECLINED
    )
    (event,) = events
    assert sentence(hass, event) == "Kitchen called 200: declined"


async def test_result_of_another_version(hass: HomeAssistant) -> None:
    """A result without a text is shown as a word."""
    event = Event(EVENT_CALL_ENDED, {"caller": "101", "result": "given_up"})
    assert described(hass, event)["message"].endswith("given up")


# --- the page of a device ---


async def activity(
    hass: HomeAssistant,
    hass_ws_client: WebSocketGenerator,
    entry: MockConfigEntry,
    name: str,
) -> list[dict[str, Any]]:
    """Return the lines on the page of a device, as its page asks for them."""
    await async_wait_recording_done(hass)
    device_id = device_of(hass, entry, name)
    entities = er.async_entries_for_device(er.async_get(hass), device_id)
    client = await hass_ws_client()
    await client.send_json_auto_id(
        {
            "type": "logbook/get_events",
            "start_time": (dt_util.utcnow() - timedelta(hours=1)).isoformat(),
            "entity_ids": [each.entity_id for each in entities],
            "device_ids": [device_id],
        }
    )
    answer = await client.receive_json()
    lines: list[dict[str, Any]] = answer["result"]
    return lines


async def test_one_line_for_a_call(
    recorder_mock: Recorder,  # noqa: ARG001 - records
    hass: HomeAssistant,
    hass_ws_client: WebSocketGenerator,
    new_toy: MockConfigEntry,
    toys: Toys,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A call has one line of ours on its contact's page, and none on another page."""
    # Its files are not installed with the tests' requirements.
    hass.config.components.add("frontend")
    assert await async_setup_component(hass, "logbook", {})
    house = await set_up(hass, new_toy, MUM, KITCHEN)
    toy = toys.latest
    press = {"entity_id": entity_of(hass, house, "Mum", "call")}
    toy.sink.extension(ExtensionUpdate("101", ExtensionState.IDLE))
    await hass.services.async_call("button", "press", press, blocking=True)
    (request,) = toy.requests
    freezer.tick(1)
    toy.sink.extension(ExtensionUpdate("101", ExtensionState.IN_USE, "09121234567"))
    for state in (CallState.RINGING_CALLEE, CallState.CONNECTED):
        freezer.tick(1)
        await observe(hass, toy, request.call_id, state)
    freezer.tick(120)
    await end_call(hass, toy, request.call_id, talk_time=120.0)
    toy.sink.extension(ExtensionUpdate("101", ExtensionState.IDLE))
    freezer.tick(1)

    mum = await activity(hass, hass_ws_client, house, "Mum")
    ours = [line for line in mum if line.get("domain") == DOMAIN]
    assert [(line["name"], line["message"]) for line in ours] == [
        ("Kitchen", "called Mum: answered, 2 min")
    ]
    # Home Assistant itself writes when a button was pressed.
    assert [line.get("entity_id") for line in mum if line not in ours] == ["button.mum"]
    kitchen = await activity(hass, hass_ws_client, house, "Kitchen")
    assert {line["entity_id"] for line in kitchen} == {"sensor.kitchen_state"}
    assert {line["state"] for line in kitchen} <= {"idle", "in_use"}
    assert await activity(hass, hass_ws_client, house, "Toy") == []
