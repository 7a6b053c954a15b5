"""Tests of the action that calls a person and plays a message."""

import asyncio
from collections.abc import Callable
import gc
import json
import logging
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, Unauthorized
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_capture_events,
)
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.pbx.backends.announcement import (
    NO_AUDIO,
    Announcement,
    Audio,
    Played,
    SpokenValue,
    ValueKind,
)
from custom_components.pbx.backends.base import CallRequest, Feature
from custom_components.pbx.backends.errors import (
    CallUncertainError,
    DeniedError,
    PbxError,
    PbxErrorCode,
)
from custom_components.pbx.backends.updates import (
    CallResult,
    CallState,
    ExtensionState,
    ExtensionUpdate,
    Side,
)
from custom_components.pbx.const import DOMAIN
from scripts.support.tones import say, to_wav

from .calls.messages import raises
from .calls.test_storage import open_call, start, write
from .common import (
    pass_time,
    place_call,
    run_pending,
    set_options,
    settle,
    until,
    until_waiting,
)
from .people import contact, device_of, phone, set_up
from .reporting import automate, end_call
from .speech.engines import Engine
from .toy import SPEECH, ToyBackend, Toys

TEXT = "Dinner is ready"
MUM = contact(
    "Mum",
    "09121234567",
    timeout=45,
    call_limit=60,
    trunk_name="main_trunk",
    caller_id="2188",
    context="family",
    caller="unknown phone",
    repeat=3,
    language="fa",
    confirm_key="1",
)
GUARD = contact("Guard", "102", context="guards", timeout=5)
REFUSED = PbxError(PbxErrorCode.REFUSED, "No way")


@pytest.fixture
def toy_features() -> tuple[Feature, ...]:
    """Return the features of a PBX that can speak."""
    return (Feature.HANG_UP, *SPEECH, Feature.KEYS)


async def announce(hass: HomeAssistant, **data: object) -> dict[str, Any]:
    """Run the action with a response."""
    response = await hass.services.async_call(
        DOMAIN, "announce", data, blocking=True, return_response=True
    )
    assert response is not None
    return response


async def begin(hass: HomeAssistant, **data: object) -> asyncio.Task[dict[str, Any]]:
    """Run the action until it waits, and return it."""
    said = {"callee": "200", **({} if "media" in data else {"message": TEXT})}
    running = asyncio.create_task(announce(hass, **said | data))
    await until_waiting(hass, running)
    return running


def announcement_of(request: CallRequest | None) -> Announcement:
    """Return the announcement of a request."""
    assert request is not None
    assert request.announcement is not None
    return request.announcement


# --- The call ---


@pytest.mark.usefixtures("engine")
async def test_announce(hass: HomeAssistant, toy: ToyBackend) -> None:
    """The person is called with the complete message, and its outcome comes back."""
    running = await begin(hass)
    (request,) = toy.requests
    said = announcement_of(request)
    assert said.audio.pcm == say(TEXT)
    assert (said.repeat, said.repeat_pause, said.takes_keys) == (2, 1, False)
    assert (request.caller, request.callee) == ("200", "200")
    toy.announce(Played.PART)
    await settle(hass)
    assert not running.done()
    toy.announce(Played.FULL)
    toy.end(ring_time=4.0, talk_time=6.0, cause="normal_clearing")

    assert await running == {
        "originated_call_id": request.call_id,
        "result": "answered",
        "played": "full",
        "confirmed": None,
        "digits": None,
        "connected": None,
        "ring_time": 4.0,
        "talk_time": 6.0,
        "cause": "normal_clearing",
        "callee": "200",
        "callee_contact": None,
    }


async def test_all_fields(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry, engine: Engine
) -> None:
    """Everything that the action says reaches the PBX and the engine, normalized."""
    await begin(
        hass,
        config_entry_id=toy_entry.entry_id,
        callee="0912 123 4567",
        confirm_key=1,
        decline_key="#",
        repeat="3",
        repeat_pause={"seconds": 1, "milliseconds": 500},
        key_timeout=5.0,
        send_keys="*71",
        tts_engine=engine.entity_id,
        language="fa",
        tts_options={},
        connect_to=102,
        keys=True,
        context="inside",
        caller_id=557,
        caller_name="Door",
        trunk_name="main_trunk",
        timeout=45,
        call_limit=300,
        cooldown=0,
    )
    (request,) = toy.requests
    assert request == CallRequest(
        call_id=request.call_id,
        caller="09121234567",
        callee="09121234567",
        context="inside",
        is_external=True,
        caller_id="557",
        caller_name="Door",
        trunk_name="main_trunk",
        timeout=45,
        call_limit=300,
        takes_keys=True,
        announcement=Announcement(
            audio=announcement_of(request).audio,
            repeat=3,
            repeat_pause=1.5,
            confirm_key="1",
            decline_key="#",
            key_timeout=5,
            send_keys="*71",
            connect_to="102",
        ),
    )
    ((message, language, _),) = engine.asked
    assert (message, language) == (TEXT, "fa")
    toy.end()


@pytest.mark.parametrize(
    ("reported", "told"),
    [
        ({"played": Played.PART, "confirmed": True}, {"confirmed": True}),
        ({"played": Played.FULL, "confirmed": False}, {"confirmed": False}),
        ({"played": Played.NONE, "digits": "12"}, {"digits": "12"}),
        ({"played": Played.FULL, "digits": ""}, {"digits": ""}),
    ],
)
@pytest.mark.usefixtures("engine")
async def test_keys(
    hass: HomeAssistant,
    toy: ToyBackend,
    reported: dict[str, Any],
    told: dict[str, Any],
) -> None:
    """The response holds what was pressed."""
    asks = {"confirm_key": "1"} if "confirmed" in reported else {"digits": 4}
    running = await begin(hass, **asks)
    toy.announce(**reported, state=CallState.ENDED, result=CallResult.ANSWERED)

    response = await running
    told = {"confirmed": None, "digits": None, **told}
    assert {name: response[name] for name in told} == told
    assert response["played"] == reported["played"].value


@pytest.mark.parametrize(
    ("asks", "told"),
    [
        ({}, (None, None, None)),
        ({"confirm_key": "1"}, (False, None, None)),
        ({"digits": 4, "connect_to": "102"}, (None, "", False)),
    ],
)
@pytest.mark.usefixtures("engine")
async def test_not_answered(
    hass: HomeAssistant,
    toy: ToyBackend,
    asks: dict[str, Any],
    told: tuple[bool | None, str | None, bool | None],
) -> None:
    """Where no one answers, nothing was played, confirmed or connected."""
    running = await begin(hass, **asks)
    toy.end(CallResult.BUSY, cause="user_busy")

    response = await running
    assert (response["result"], response["played"]) == ("busy", "none")
    assert response["cause"] == "user_busy"
    names = ("confirmed", "digits", "connected")
    assert tuple(response[name] for name in names) == told


@pytest.mark.usefixtures("engine")
async def test_connected(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """The action returns when the second party answers; its context is used."""
    await set_up(hass, new_toy, GUARD)
    running = await begin(hass, connect_to="guard")
    (request,) = toys.latest.requests
    assert announcement_of(request).connect_to == "102"
    assert (request.context, request.timeout) == ("guards", 30)
    toys.latest.announce(Played.FULL, connected=False)
    await settle(hass)
    assert not running.done()
    toys.latest.announce(Played.FULL, connected=True, ring_time=4.5)

    response = await running
    assert (response["result"], response["connected"]) == ("answered", True)
    # They are still talking.
    assert (response["ring_time"], response["talk_time"]) == (4.5, None)
    ended = async_capture_events(hass, "pbx_call_ended")
    toys.latest.end(talk_time=60.0)
    await settle(hass)
    (event,) = ended
    assert (event.data["ring_time"], event.data["talk_time"]) == (4.5, 60)


@pytest.mark.usefixtures("engine")
async def test_keys_after_it(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """The person is the caller of the second party, for keys as well."""
    await set_up(hass, new_toy, MUM, GUARD)
    trigger = {"trigger": "pbx.key_pressed", "options": {"digits": "9"}}
    reports = await automate(hass, trigger, "side", "name", "number")
    running = await begin(hass, callee="Mum", connect_to="Guard", keys=True)
    toys.latest.announce(Played.FULL, connected=True)
    await running
    for side in (Side.CALLEE, Side.CALLER):
        toys.latest.press("9", side)
        await settle(hass)
    assert [(each.data["side"], each.data["name"]) for each in reports] == [
        ("callee", "Guard"),
        ("caller", "Mum"),
    ]
    toys.latest.end()


@pytest.mark.usefixtures("engine")
async def test_context_of_the_second(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """The second party is looked up in its own context, else in the first one's."""
    await set_up(hass, new_toy, MUM, GUARD)
    for second, context in (("Guard", "guards"), ("300", "family")):
        await begin(hass, callee="Mum", connect_to=second, cooldown=0)
        assert toys.latest.requests[-1].context == context
        toys.latest.end()
    await begin(hass, callee="Mum", connect_to="Guard", context="own", cooldown=0)
    assert toys.latest.requests[-1].context == "own"
    toys.latest.end()


@pytest.mark.parametrize("given", ["name", "device"])
async def test_contact(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    toys: Toys,
    engine: Engine,
    given: str,
) -> None:
    """The settings of a contact apply, but for its confirmation key and its caller."""
    made = await set_up(hass, new_toy, MUM)
    device = device_of(hass, made, "Mum")
    callee = {"callee": "mum"} if given == "name" else {"callee_contact": device}
    running = asyncio.create_task(announce(hass, message=TEXT, **callee))
    await until_waiting(hass, running)
    (request,) = toys.latest.requests
    assert request.callee == "09121234567"
    assert (request.timeout, request.call_limit) == (45, 60)
    assert (request.trunk_name, request.caller_id) == ("main_trunk", "2188")
    assert request.context == "family"
    said = announcement_of(request)
    assert (said.repeat, said.confirm_key) == (3, None)
    assert engine.asked[0][1] == "fa"
    toys.latest.end()

    assert (await running)["callee_contact"] == "Mum"


async def test_action_before_contact(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys, engine: Engine
) -> None:
    """What the action says counts more; its engine speaks its own language."""
    await set_up(hass, new_toy, MUM)
    await begin(hass, callee="Mum", repeat=1, timeout=10, tts_engine=engine.entity_id)
    (request,) = toys.latest.requests
    assert (announcement_of(request).repeat, request.timeout) == (1, 10)
    assert engine.asked[0][1] == "en"
    toys.latest.end()


@pytest.mark.parametrize("as_mapping", [True, False])
async def test_media(
    hass: HomeAssistant, toy: ToyBackend, engine: Engine, *, as_mapping: bool
) -> None:
    """Media are given as the editor's selector does, or as text."""
    media: object = f"media-source://tts/{engine.entity_id}?message=Dinner"
    if as_mapping:
        media = {"media_content_id": media, "media_content_type": "provider"}
    await begin(hass, media=media)
    assert announcement_of(toy.requests[0]).audio.pcm == say("Dinner")
    toy.end()


# --- What is refused ---


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ({"message": TEXT}, "missing_fields"),
        ({"callee": "", "message": TEXT}, "number_empty"),
        ({"callee": 9121234567, "message": TEXT}, "number_unquoted"),
        ({"callee": "Nobody", "message": TEXT}, "no_contacts"),
        ({"callee": "200"}, "message_or_media"),
        ({"callee": "200", "message": TEXT, "media": "x"}, "message_or_media"),
        ({"callee": "200", "media": {}}, "given_nothing"),
        ({"callee": "200", "media": 7}, "given_nothing"),
        ({"callee": "200", "message": " "}, "message_empty"),
        ({"confirm_key": "1", "digits": 2}, "confirm_or_digits"),
        ({"decline_key": "1"}, "decline_without_confirm"),
        ({"decline_key": "1", "confirm_key": "1"}, "same_keys"),
        ({"confirm_key": "12"}, "given_no_key"),
        ({"send_keys": "12x"}, "given_no_keys"),
        ({"tts_options": "voice"}, "given_no_mapping"),
        ({"keys": True}, "keys_without_connect_to"),
        ({"keys": "perhaps", "connect_to": "102"}, "keys_no_boolean"),
        ({"connect_to": "+"}, "number_empty"),
        ({"connect_to": 9121234567}, "number_unquoted"),
        ({"connect_to": "Nobody"}, "no_contacts"),
    ],
)
async def test_invalid(
    hass: HomeAssistant,
    toy: ToyBackend,
    engine: Engine,
    data: dict[str, Any],
    error: str,
) -> None:
    """A mistake is reported before the engine is asked."""
    complete = {"callee", "message", "media"} & data.keys()
    with raises(error):
        await announce(
            hass, **data if complete else {"callee": "200", "message": TEXT, **data}
        )
    assert (toy.requests, engine.asked) == ([], [])


@pytest.mark.parametrize(
    ("rules", "key"),
    [
        ({"forbidden_numbers": ["102"]}, "number_forbidden"),
        ({"allowed_numbers": ["200", "101"]}, "number_not_allowed"),
        ({"emergency_numbers": ["102"]}, "emergency_number"),
    ],
)
@pytest.mark.parametrize("field", ["callee", "connect_to"])
async def test_rules(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    engine: Engine,
    field: str,
    rules: dict[str, list[str]],
    key: str,
) -> None:
    """The dialing rules of both numbers are checked before the engine is asked."""
    await set_options(hass, toy_entry, **rules)
    with raises(key) as caught:
        await announce(hass, **{"callee": "200", "message": TEXT, field: "102"})
    assert field in str(caught.value)
    assert (toy.requests, engine.asked) == ([], [])


@pytest.mark.parametrize(
    ("limit", "key"),
    [
        ({"cooldown": 60}, "called_recently"),
        ({"calls_per_hour": 1}, "too_many_per_hour"),
        ({"calls_at_once": 1}, "too_many_at_once"),
    ],
)
async def test_limits(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    engine: Engine,
    limit: dict[str, int],
    key: str,
) -> None:
    """The limits are checked before the engine is asked."""
    await set_options(hass, toy_entry, **limit)
    await begin(hass)
    with raises(key):
        await announce(hass, callee="200", message="Fire")
    assert (len(toy.requests), len(engine.asked)) == (1, 1)
    toy.end()


@pytest.mark.parametrize("confirmed", [None, True])
@pytest.mark.usefixtures("engine")
async def test_cooldown_of_the_second(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    confirmed: bool | None,
) -> None:
    """The second party has a cooldown of its own, as soon as it is called."""
    await set_options(hass, toy_entry, cooldown=60, calls_per_hour=3)
    asks = {} if confirmed is None else {"confirm_key": "1"}
    await begin(hass, connect_to="102", **asks)
    await place_call(hass, caller="101", callee="102", cooldown=30)
    toy.end()
    await pass_time(hass, freezer, 61)
    first = toy.requests[0].call_id
    facts: dict[str, Any] = {"confirmed" if confirmed else "connected": True}
    for _ in range(2):
        toy.announce(Played.FULL, originated_call_id=first, **facts)
        freezer.tick(1)
    await settle(hass)
    for data in ({"callee": "102"}, {"callee": "300", "connect_to": "102"}):
        with raises("called_recently"):
            await announce(hass, message=TEXT, **data)
    with raises("called_recently"):
        await place_call(hass, caller="101", callee="102")
    assert len(toy.requests) == 2
    # Both parties are one call of the hourly limit.
    await pass_time(hass, freezer, 60)
    await begin(hass, callee="300", connect_to="102")
    assert len(toy.requests) == 3
    toy.end()
    toy.end(originated_call_id=first)


@pytest.mark.parametrize("confirm_key", [None, "1"])
@pytest.mark.usefixtures("engine")
async def test_no_cooldown_of_the_second(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    confirm_key: str | None,
) -> None:
    """A second party that was not called may be called."""
    await set_options(hass, toy_entry, cooldown=60)
    asks = {} if confirm_key is None else {"confirm_key": confirm_key}
    await begin(hass, connect_to="102", **asks)
    confirmed = None if confirm_key is None else False
    toy.announce(Played.FULL, connected=False, confirmed=confirmed)
    toy.end()
    await place_call(hass, caller="101", callee="102")
    assert len(toy.requests) == 2
    toy.end()


async def test_rules_again(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry, engine: Engine
) -> None:
    """The dialing rules are checked again before the phone rings."""
    ready = asyncio.Event()

    async def speak(message: str) -> tuple[str, bytes]:
        await ready.wait()
        return "wav", to_wav(say(message))

    engine._answer = speak  # noqa: SLF001 - the test's own engine
    running = asyncio.create_task(announce(hass, callee="102", message=TEXT))
    await until(lambda: engine.asked)
    options = toy_entry.options | {"forbidden_numbers": ["102"]}
    hass.config_entries.async_update_entry(toy_entry, options=options)
    ready.set()
    with raises("number_forbidden"):
        await running
    assert toy.requests == []


@pytest.mark.parametrize(
    ("error", "key"), [(PbxErrorCode.NO_SPEECH, "no_speech"), (REFUSED, "refused")]
)
async def test_pbx_cannot_speak(
    hass: HomeAssistant,
    toy: ToyBackend,
    engine: Engine,
    error: PbxErrorCode | PbxError,
    key: str,
) -> None:
    """A PBX that cannot play it is reported before the engine is asked."""
    toy.speech_error = error if isinstance(error, PbxError) else DeniedError(error)
    with raises(key):
        await announce(hass, callee="200", message=TEXT)
    assert (toy.requests, engine.asked) == ([], [])


@pytest.mark.parametrize(
    ("action", "data"),
    [("announce", {"callee": "200"}), ("escalate", {"callers": ["200", "201"]})],
)
async def test_stops_while_the_engine_works(
    hass: HomeAssistant,
    toy: ToyBackend,
    engine: Engine,
    action: str,
    data: dict[str, Any],
) -> None:
    """No phone rings for what Home Assistant cannot play any more."""
    ready = asyncio.Event()

    async def speak(message: str) -> tuple[str, bytes]:
        await ready.wait()
        return "wav", to_wav(say(message))

    engine._answer = speak  # noqa: SLF001 - the test's own engine
    running = asyncio.create_task(
        hass.services.async_call(
            DOMAIN, action, {**data, "message": TEXT}, blocking=True
        )
    )
    await until(lambda: engine.asked)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    await run_pending()
    ready.set()
    with raises("stopping"):
        await running
    assert toy.requests == []


async def test_engine_failed(
    hass: HomeAssistant, toy: ToyBackend, engine: Engine
) -> None:
    """No one is called if the engine fails."""

    async def fail(_message: str) -> tuple[None, None]:
        return None, None

    engine._answer = fail  # noqa: SLF001 - the test's own engine
    with pytest.raises(HomeAssistantError):
        await announce(hass, callee="200", message=TEXT)
    assert toy.requests == []


@pytest.mark.parametrize(
    ("error", "key"), [(REFUSED, "refused"), (CallUncertainError(), "call_uncertain")]
)
@pytest.mark.usefixtures("engine")
async def test_not_placed(
    hass: HomeAssistant, toy: ToyBackend, error: PbxError, key: str
) -> None:
    """The errors of placing a call are those of any other call."""

    def fail() -> None:
        # The check before has succeeded.
        toy.error = error

    toy.check_speech = lambda _request: asyncio.sleep(0, fail())  # type: ignore[method-assign,assignment,func-returns-value]
    with raises(key):
        await announce(hass, callee="200", message=TEXT)


async def test_only_administrators(hass: HomeAssistant, toy: ToyBackend) -> None:
    """A user who may not control the PBX cannot use it to speak."""
    user = MockUser(groups=[]).add_to_hass(hass)
    with pytest.raises(Unauthorized):
        await hass.services.async_call(
            DOMAIN,
            "announce",
            {"callee": "200", "message": TEXT},
            blocking=True,
            context=Context(user_id=user.id),
        )
    assert toy.requests == []


class TestSilentPbx:
    """A PBX that cannot speak."""

    @pytest.fixture
    def toy_features(self) -> tuple[Feature, ...]:
        """Return no feature for speech."""
        return (Feature.HANG_UP,)

    @pytest.mark.usefixtures("toy")
    async def test_not_supported(self, hass: HomeAssistant) -> None:
        """The error names the PBX."""
        with raises("announcements_not_supported") as caught:
            await announce(hass, callee="200", message=TEXT)
        assert "Toy" in str(caught.value)


class TestWithoutKeys:
    """A PBX that can speak, but takes no keys while two parties talk."""

    @pytest.fixture
    def toy_features(self) -> tuple[Feature, ...]:
        """Return the features."""
        return (*SPEECH,)

    @pytest.mark.usefixtures("toy")
    async def test_not_supported(self, hass: HomeAssistant) -> None:
        """The field is refused."""
        with raises("field_not_supported"):
            await announce(
                hass, callee="200", message=TEXT, connect_to="102", keys=True
            )


class TestDrawnPbx:
    """A PBX whose owner has drawn nothing yet."""

    @pytest.fixture
    def toy_features(self) -> tuple[Feature, ...]:
        """Return the features."""
        return (Feature.DRAWN_SPEECH, Feature.SPOKEN_VALUES)

    @pytest.mark.usefixtures("toy")
    async def test_not_set_up(self, hass: HomeAssistant) -> None:
        """The error says where to set it up."""
        with raises("speech_not_set_up") as caught:
            await announce(hass, callee="200", message=TEXT)
        assert "Speech" in str(caught.value)


class TestOneBox:
    """A PBX that plays a message, speaks values, and takes no keys."""

    @pytest.fixture
    def toy_features(self) -> tuple[Feature, ...]:
        """Return the features."""
        return (Feature.DRAWN_SPEECH, Feature.SPOKEN_VALUES, Feature.SPEECH)

    @pytest.mark.parametrize(
        ("data", "key"),
        [
            ({"confirm_key": "1"}, "speech_without_keys"),
            ({"digits": 4}, "speech_without_keys"),
            ({"connect_to": "102"}, "speech_without_connect"),
            ({"send_keys": "1"}, "field_not_supported"),
        ],
    )
    @pytest.mark.usefixtures("engine")
    async def test_refused(
        self, hass: HomeAssistant, toy: ToyBackend, data: dict[str, Any], key: str
    ) -> None:
        """What is not drawn is refused before anything is made, or anybody rung."""
        with raises(key) as caught:
            await announce(hass, callee="200", message=TEXT, **data)
        assert all(f"{name}" in str(caught.value) for name in data) or (
            key == "speech_without_connect"
        )
        assert toy.messages == []
        assert toy.requests == []

    async def test_own_voice(self, hass: HomeAssistant, toy: ToyBackend) -> None:
        """Values need no engine: the PBX speaks them."""
        said = [{"number": 21.0}, {"time": "14:05"}]
        running = await begin(hass, message=said)
        (prepared,) = toy.messages
        assert prepared.parts == (
            SpokenValue(ValueKind.NUMBER, "21"),
            SpokenValue(ValueKind.TIME, "14:05"),
        )
        assert not prepared.is_lasting
        assert announcement_of(toy.requests[0]).audio.seconds == 2
        toy.announce(Played.FULL)
        toy.end()
        assert (await running)["played"] == "full"

    async def test_parts(
        self, hass: HomeAssistant, toy: ToyBackend, engine: Engine
    ) -> None:
        """A text between them is spoken by the engine."""
        await begin(hass, message=["It is", {"number": 21}, "degrees."])
        assert [message for message, *_ in engine.asked] == ["It is", "degrees."]
        toy.end()


class TestHash:
    """A PBX on which the number sign ends what is typed."""

    @pytest.fixture
    def toy_features(self) -> tuple[Feature, ...]:
        """Return the features."""
        return tuple(each for each in SPEECH if each is not Feature.SPEECH_SENDS)

    @pytest.mark.parametrize(
        "data", [{"confirm_key": "#"}, {"confirm_key": "1", "decline_key": "#"}]
    )
    @pytest.mark.usefixtures("toy")
    async def test_refused(self, hass: HomeAssistant, data: dict[str, str]) -> None:
        """It is no key that confirms or declines."""
        with raises("hash_not_supported") as caught:
            await announce(hass, callee="200", message=TEXT, **data)
        assert [*data][-1] in str(caught.value)

    @pytest.mark.usefixtures("engine")
    async def test_another_key(self, hass: HomeAssistant, toy: ToyBackend) -> None:
        """Every other key is."""
        await begin(hass, confirm_key="*", decline_key="0", connect_to="102")
        assert announcement_of(toy.requests[0]).confirm_key == "*"
        toy.end()


async def test_list(hass: HomeAssistant, toy: ToyBackend, engine: Engine) -> None:
    """Without a voice of the PBX, the engine speaks the values, too."""
    running = await begin(
        hass,
        message=["It is", {"number": "21"}, ", at", {"time": "7:05"}],
    )
    ((said, *_),) = engine.asked
    assert said == "It is 21, at 07:05"
    toy.announce(Played.FULL)
    toy.end()
    await running


async def test_list_of_templates(
    hass: HomeAssistant, toy: ToyBackend, engine: Engine
) -> None:
    """Each text and each value may be a template, in an automation."""
    hass.states.async_set("sensor.freezer", "-4.6")
    action = {
        "action": "pbx.announce",
        "data": {
            "callee": "200",
            "message": [
                "{{ 'Minus' if states('sensor.freezer') | float < 0 else '' }}",
                {"number": "{{ states('sensor.freezer') | float | abs | round(0) }}"},
                "{{ 'degrees' }}",
                {"date": "{{ '2026-11-27' }}"},
            ],
        },
    }
    script = {"report": {"sequence": [action]}}
    assert await async_setup_component(hass, "script", {"script": script})
    running = asyncio.create_task(
        hass.services.async_call("script", "report", blocking=True)
    )
    await until(lambda: toy.requests)
    ((said, *_),) = engine.asked
    assert said == "Minus 5 degrees November 27, 2026"
    await run_pending()
    toy.end()
    await running


@pytest.mark.parametrize(
    ("message", "key"),
    [
        ([{"number": "unavailable"}], "part_no_state"),
        (["It is", {"number": 21.5}], "part_no_number"),
        ([], "given_nothing"),
        ({"number": 21}, "given_mapping"),
    ],
)
async def test_no_list(
    hass: HomeAssistant, toy: ToyBackend, message: object, key: str
) -> None:
    """A list with a fault is refused in words, and nobody is called."""
    with raises(key):
        await announce(hass, callee="200", message=message)
    assert toy.requests == []


# --- Around it ---


@pytest.mark.usefixtures("engine")
async def test_stopped_script(hass: HomeAssistant, toy: ToyBackend) -> None:
    """The call of a script that is stopped is spoken to its end."""
    ended = async_capture_events(hass, "pbx_call_ended")
    running = await begin(hass)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await settle(hass)
    assert toy.hung_up == []
    toy.announce(Played.FULL)
    toy.end()
    await settle(hass)
    assert [event.data["played"] for event in ended] == ["full"]


@pytest.mark.usefixtures("engine")
async def test_same_again(hass: HomeAssistant, toy: ToyBackend) -> None:
    """The same announcement at the same time is one call; another one is not."""
    running = [await begin(hass), await begin(hass), await begin(hass, message="Fire")]
    assert len(toy.requests) == 2
    for request in toy.requests:
        toy.announce(
            Played.FULL,
            state=CallState.ENDED,
            result=CallResult.ANSWERED,
            originated_call_id=request.call_id,
        )
    ids = [(await each)["originated_call_id"] for each in running]
    assert len({*ids[:2]}) == 1
    assert len({*ids}) == 2


@pytest.mark.parametrize(
    ("trigger", "report"),
    [
        ("pbx.call_connected", lambda toy: toy.announce(Played.NONE)),
        ("pbx.call_ended", lambda toy: toy.end()),
    ],
)
@pytest.mark.usefixtures("engine")
async def test_triggers(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    toys: Toys,
    trigger: str,
    report: Callable[[ToyBackend], None],
) -> None:
    """The other side of the call is the person; there is no caller."""
    await set_up(hass, new_toy, MUM)
    names = ("name", "number", "callee", "caller", "caller_answered", "anonymous")
    reports = await automate(hass, {"trigger": trigger}, *names)
    await begin(hass, callee="Mum")
    report(toys.latest)
    await settle(hass)
    (event,) = reports
    assert event.data == {
        "name": "Mum",
        "number": "09121234567",
        "callee": "09121234567",
        "caller": None,
        "caller_answered": None,
        "anonymous": False,
    }
    toys.latest.end()


@pytest.mark.usefixtures("engine")
async def test_reported_caller(hass: HomeAssistant, toy: ToyBackend) -> None:
    """The PBX may report the person as the caller, who they are not."""
    ended = async_capture_events(hass, "pbx_call_ended")
    await begin(hass)
    toy.end(caller="200", callee="s")
    await settle(hass)
    assert [(each.data["caller"], each.data["callee"]) for each in ended] == [
        (None, "200")
    ]


async def test_phone_rings(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys, engine: Engine
) -> None:
    """The phone of an extension rings for a call of the house."""
    assert engine.asked == []
    await set_up(hass, new_toy, phone("Kitchen", "101"))
    reports = await automate(hass, {"trigger": "pbx.phone_rings"}, "direction")
    await begin(hass, callee="Kitchen", caller_id="02188881234")
    toys.latest.sink.extension(
        ExtensionUpdate("101", ExtensionState.RINGING, "02188881234")
    )
    await settle(hass)
    assert [each.data["direction"] for each in reports] == ["internal"]
    toys.latest.end()


@pytest.mark.usefixtures("engine")
async def test_contact_repair(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """An automation that names a contact that does not exist gets a repair issue."""
    await set_up(hass, new_toy, MUM)
    automation = {
        "id": "laundry",
        "alias": "Laundry",
        "triggers": [{"trigger": "event", "event_type": "laundry"}],
        "actions": [
            {
                "action": "pbx.announce",
                "data": {"callee": "{{ trigger.event.data.who }}", "message": TEXT},
                "continue_on_error": True,
            }
        ],
    }
    assert await async_setup_component(hass, "automation", {"automation": automation})
    registry = ir.async_get(hass)
    issue = (DOMAIN, "contact_announce_automation.laundry")
    hass.bus.async_fire("laundry", {"who": "Mom"})
    await settle(hass)
    assert issue in registry.issues
    hass.bus.async_fire("laundry", {"who": "Mum"})
    await until(lambda: toys.latest.requests)
    toys.latest.end()
    await settle(hass)
    assert issue not in registry.issues


@pytest.mark.usefixtures("engine")
async def test_private(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    hass_storage: dict[str, Any],
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Only the response holds the digits; nothing of ours holds text or keys."""
    caplog.set_level(logging.DEBUG, "custom_components.pbx")
    assert await async_setup_component(hass, "diagnostics", {})
    ended = async_capture_events(hass, "pbx_call_ended")
    running = await begin(hass, message=TEXT, digits=4, send_keys="*7193")
    toy.announce(Played.FULL, digits="8264")
    await settle(hass)
    await pass_time(hass, freezer, 2)
    await until(lambda: f"pbx.{toy_entry.entry_id}" in hass_storage)
    written = json.dumps(hass_storage[f"pbx.{toy_entry.entry_id}"])
    assert toy.requests[0].call_id in written
    shown = json.dumps(
        await get_diagnostics_for_config_entry(hass, hass_client, toy_entry)
    )
    toy.end()
    assert (await running)["digits"] == "8264"
    lines = [each.getMessage() for each in caplog.records if "pbx" in each.name]
    for private in (TEXT, "8264", "7193"):
        for text in (written, shown, str(ended[0].data), *lines, repr(toy.requests)):
            assert private not in text


@pytest.mark.usefixtures("engine")
async def test_restart(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    new_toy: MockConfigEntry,
    toys: Toys,
) -> None:
    """An announcement that was under way at a restart ends as the PBX reports it."""
    stored = open_call(caller="")
    stored["request"] |= {
        "caller": "200",
        "announcement": {"confirm_key": "1", "connect_to": None},
    }
    write(hass_storage, new_toy, calls=[stored])
    ended = async_capture_events(hass, "pbx_call_ended")
    await start(hass, new_toy)
    await end_call(hass, toys.latest, "id-1")
    assert [(each.data["caller"], each.data["confirmed"]) for each in ended] == [
        (None, False)
    ]


# --- What is said ---


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ 21.50 }}", "21.5"),
        ("{{ '007' }}", "007"),
        ("{{ 1 == 1 }}", "True"),
        ("{{ '4, 7, 1' }}", "4, 7, 1"),
        ("{{ [1, 2] }}", "[1, 2]"),
        ("{{ '{}' }}", "{}"),
        ("  Fire! ", "Fire!"),
    ],
)
async def test_as_written(
    hass: HomeAssistant, toy: ToyBackend, engine: Engine, template: str, said: str
) -> None:
    """A text is said as a template renders it, whatever else it may be."""
    await run_script(hass, message=template)
    await until(lambda: toy.requests)
    assert [each[0].strip() for each in engine.asked] == [said]
    await run_pending()
    toy.end()
    await settle(hass)


@pytest.mark.parametrize("template", ["{{ none }}", "{{ states('sensor.no') }}", ""])
async def test_nothing_to_say(
    hass: HomeAssistant, toy: ToyBackend, engine: Engine, template: str
) -> None:
    """The state of an entity that has none is not said."""
    await run_script(hass, message=template)
    await settle(hass)
    assert (toy.requests, engine.asked) == ([], [])


async def run_script(hass: HomeAssistant, **data: object) -> None:
    """Run the action in a script, which renders the templates of its data."""
    step = {
        "action": "pbx.announce",
        "data": {"callee": "200", **data},
        "continue_on_error": True,
    }
    assert await async_setup_component(
        hass, "script", {"script": {"say": {"sequence": [step]}}}
    )
    # Nothing may wait for the script, which waits for the call.
    await hass.services.async_call("script", "turn_on", {"entity_id": "script.say"})


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"confirm_key": "۱", "decline_key": "٢"},
            {"confirm_key": "1", "decline_key": "2"},
        ),
        ({"send_keys": "*۱۲۳#a"}, {"send_keys": "*123#A"}),
        ({"digits": "۴"}, {"digits": 4}),
        ({"repeat": "۳", "repeat_pause": "٢"}, {"repeat": 3, "repeat_pause": 2}),
        ({"repeat_pause": 0.5}, {"repeat_pause": 0.5}),
        ({"repeat_pause": {"milliseconds": 200}}, {"repeat_pause": 0.2}),
    ],
)
@pytest.mark.usefixtures("engine")
async def test_forms(
    hass: HomeAssistant,
    toy: ToyBackend,
    fields: dict[str, object],
    expected: dict[str, object],
) -> None:
    """Keys and numbers may be Persian or Arabic; a pause may be short."""
    await begin(hass, **fields)
    said = announcement_of(toy.requests[0])
    assert {name: getattr(said, name) for name in expected} == expected
    toy.end()


@pytest.mark.usefixtures("engine")
async def test_pause_range(hass: HomeAssistant, toy: ToyBackend) -> None:
    """A pause that is too long is shown as it was written."""
    with raises("given_out_of_range") as caught:
        await announce(hass, callee="200", message=TEXT, repeat_pause=60.5)
    assert "60.5" in str(caught.value)
    for pause in ("nan", "inf", "soon"):
        with raises("given_no_seconds"):
            await announce(hass, callee="200", message=TEXT, repeat_pause=pause)
    assert toy.requests == []


@pytest.mark.usefixtures("engine")
async def test_keys_in_the_wrong_field(hass: HomeAssistant, toy: ToyBackend) -> None:
    """Keys in place of a boolean are not shown."""
    with raises("keys_no_boolean") as caught:
        await announce(hass, callee="200", message=TEXT, connect_to="102", keys="*7193")
    assert "7193" not in str(caught.value)
    assert toy.requests == []


@pytest.mark.usefixtures("engine")
async def test_not_kept(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What was said, and the keys that were sent, are forgotten with the end."""
    secret = "The word of the day is quagga"
    running = await begin(hass, message=secret, send_keys="*7193")
    toy.announce(Played.FULL)
    toy.end()
    await running
    (call,) = toy_entry.runtime_data.manager.tracker.recent
    assert announcement_of(call.request).audio is NO_AUDIO
    assert announcement_of(call.request).send_keys == ""
    # The toy keeps what it was asked for.
    toy.requests.clear()
    del running
    await pass_time(hass, freezer, 5)
    gc.collect()
    audios = (each for each in gc.get_objects() if isinstance(each, Audio))
    assert say(secret) not in [each.pcm for each in audios]
    written = json.dumps(hass_storage[f"pbx.{toy_entry.entry_id}"])
    assert secret not in written
    assert "7193" not in written
