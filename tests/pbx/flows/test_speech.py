"""Tests of the options pages that set speech up, and test it."""

import asyncio
from typing import Any
from unittest.mock import patch

from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.typing import UNDEFINED
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.backends.announcement import (
    Played,
    SpeechTrace,
    SpokenValue,
    ValueKind,
)
from custom_components.pbx.backends.base import Feature
from custom_components.pbx.backends.errors import (
    CallUncertainError,
    DeniedError,
    PbxError,
    PbxErrorCode,
)
from custom_components.pbx.backends.updates import CallResult

from ..common import run_pending, sentences, set_options, settle, until
from ..dialog import Dialog, open_options
from ..people import contact, set_up
from ..speech.engines import Engine, forever
from ..toy import SPEECH, ToyBackend, Toys

SPEECH_PAGE = "custom_components.pbx.flows.speech"
HOME = "http://192.0.2.10:8123"
DRAWN = (
    Feature.DRAWN_SPEECH,
    Feature.SPOKEN_VALUES,
    Feature.OPTIONAL_TRUNK,
    *SPEECH,
)
WORKS = SpeechTrace(
    say_at=1.0, key_at=5.0, names=("say", "key"), digits="5", reported_result="answered"
)


@pytest.fixture
def toy_features() -> tuple[Feature, ...]:
    """Return the features of a PBX whose speech is drawn."""
    return DRAWN


@pytest.fixture
async def house(hass: HomeAssistant, new_toy: MockConfigEntry) -> MockConfigEntry:
    """Return a PBX with a contact, and all that the test needs."""
    hass.config.internal_url = HOME
    mum = contact("Mum", "09121234567", timeout=45)
    return await set_up(
        hass, new_toy, mum, title="Toy", speech_number="8801", test_phone="Mum"
    )


@pytest.fixture
def toy(toys: Toys, house: MockConfigEntry) -> ToyBackend:
    """Return the toy of the house."""
    assert house
    return toys.latest


async def open_page(hass: HomeAssistant, entry: MockConfigEntry, page: str) -> Dialog:
    """Open the options, and choose a page."""
    dialog = await open_options(hass, entry)
    dialog.result = await hass.config_entries.options.async_configure(
        dialog.result["flow_id"], {"next_step_id": page}
    )
    return dialog


# --- The page ---


@pytest.mark.parametrize("toy_features", [(Feature.HANG_UP,), SPEECH])
async def test_not_offered(hass: HomeAssistant, house: MockConfigEntry) -> None:
    """A PBX that needs no drawing has no such page."""
    dialog = await open_options(hass, house)
    options = dialog.result["menu_options"] or ()
    assert "speech" not in options
    assert "test_speech" not in options


@pytest.mark.parametrize("language", ["en", "fa"])
async def test_what_to_draw(
    hass: HomeAssistant, house: MockConfigEntry, language: str
) -> None:
    """The page lists all steps in order, with what to copy."""
    dialog = await open_page(hass, house, "speech")
    dialog.expect_form("speech")
    texts = await sentences(hass, "options", language)
    text = texts["step.speech.description"].format(**dialog.placeholders)
    address = f"{HOME}/api/webhook/{house.data['webhook_id']}"
    assert text.count(f"`{address}`") == 2
    place = -1
    for step in (
        *("Outgoing Route", "`main`", "`8801`", "Definite Answer"),
        *("`say`", address, "`next`", "`key`", "`e`", address, "`connect`"),
        *("POST", "**4**", "/call/originate/act", "/pbx/announcements/search"),
        *("/pbx/announcements/upload", "/pbx/announcements/add"),
        *("/pbx/announcements/remove", "IP", f"`{dialog.placeholders['ip']}`"),
    ):
        place = text.index(step, place + 1)


@pytest.mark.parametrize(
    ("url", "asked"), [("http://192.0.2.1/api", "192.0.2.1"), ("http://pbx/api", None)]
)
async def test_own_ip(
    hass: HomeAssistant, house: MockConfigEntry, url: str, asked: str | None
) -> None:
    """The IP address to permit is that from which the PBX is asked."""
    data = {**house.data, "url": url}
    hass.config_entries.async_update_entry(house, data=data)
    await hass.async_block_till_done()
    with patch(f"{SPEECH_PAGE}.async_get_source_ip", return_value="192.0.2.10") as get:
        dialog = await open_page(hass, house, "speech")
    assert dialog.placeholders["ip"] == "192.0.2.10"
    assert get.call_args.args[1] == (asked or UNDEFINED)
    with patch(f"{SPEECH_PAGE}.async_get_source_ip", side_effect=HomeAssistantError):
        dialog = await open_page(hass, house, "speech")
    assert dialog.placeholders["ip"] == "-"


async def test_before(
    hass: HomeAssistant, toy_entry: MockConfigEntry, toys: Toys
) -> None:
    """Before anything is chosen, there is an example."""
    assert toys.latest
    await set_options(hass, toy_entry, context="")
    dialog = await open_page(hass, toy_entry, "speech")
    assert dialog.placeholders["number"] == "8801"
    assert dialog.placeholders["context"] == "main_routing"
    assert dialog.defaults == {"speech_boxes": "say_key"}
    assert dialog.offered("test_phone") == ["101 Kitchen", "102 Workshop"]


async def test_saved(hass: HomeAssistant, house: MockConfigEntry) -> None:
    """The numbers are stored as dialed, beside the options of other pages."""
    dialog = await open_page(hass, house, "speech")
    assert dialog.values == {"speech_number": "8801", "test_phone": "Mum"}
    typed = {"speech_number": " ۸۸-02 ", "speech_boxes": "say", "test_phone": "1 01"}
    await dialog.submit(typed)
    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY
    assert house.options["speech_number"] == "8802"
    assert house.options["test_phone"] == "101"
    assert house.options["speech_boxes"] == "say"
    assert house.options["context"] == "main"

    dialog = await open_page(hass, house, "speech")
    await dialog.submit({"speech_boxes": "say_key", "speech_number": " "})
    assert not {"speech_number", "test_phone"} & house.options.keys()


@pytest.mark.parametrize(
    ("typed", "field", "error"),
    [
        ({"speech_number": "8801a"}, "speech_number", "number_invalid_character"),
        ({"speech_number": "0098"}, "speech_number", "speech_number_barred"),
        ({"speech_number": "+98"}, "speech_number", "speech_number_barred"),
        ({"speech_number": "09121234567"}, "speech_number", "speech_number_taken"),
        ({"test_phone": "Dad"}, "test_phone", "unknown_contact"),
        ({"test_phone": "1" * 33}, "test_phone", "number_too_long"),
    ],
)
async def test_invalid(
    hass: HomeAssistant,
    house: MockConfigEntry,
    typed: dict[str, str],
    field: str,
    error: str,
) -> None:
    """What cannot work is refused in words, and what was typed is kept."""
    dialog = await open_page(hass, house, "speech")
    await dialog.submit({"speech_boxes": "say_key_connect", **typed})
    dialog.expect_form("speech", {field: error})
    assert dialog.values[field] == typed[field]
    assert dialog.values["speech_boxes"] == "say_key_connect"
    assert await dialog.error_text("fa") != await dialog.error_text()


# --- The test ---


async def begin(hass: HomeAssistant, entry: MockConfigEntry, toy: ToyBackend) -> Dialog:
    """Run the test until the phone rings."""
    dialog = await open_page(hass, entry, "test_speech")
    assert dialog.result["type"] is FlowResultType.SHOW_PROGRESS
    texts = await sentences(hass, "options")
    progress = texts[f"progress.{dialog.result['progress_action']}"]
    phone = str(entry.options["test_phone"])
    assert phone in progress.format(**dialog.placeholders)
    await until(lambda: toy.requests)
    await run_pending()
    return dialog


async def finish(dialog: Dialog) -> None:
    """Wait for the result like the browser."""
    assert dialog.result["type"] is FlowResultType.SHOW_PROGRESS
    await settle(dialog.hass)
    dialog.result = await dialog.hass.config_entries.options.async_configure(
        dialog.result["flow_id"]
    )


async def hear(
    toy: ToyBackend,
    dialog: Dialog,
    trace: SpeechTrace | None,
    result: CallResult = CallResult.ANSWERED,
) -> None:
    """End the call of the test, after what the boxes have asked."""
    if trace is not None:
        toy.traces[toy.requests[-1].call_id] = trace
    toy.end(result)
    await finish(dialog)


async def expect_fault(dialog: Dialog, error: str, *words: str) -> None:
    """Check the step that is missing, in two languages."""
    dialog.expect_form("speech_fails", {"base": error})
    text = await dialog.error_text()
    assert all(word in text for word in words), text
    assert await dialog.error_text("fa") != text


async def test_works(
    hass: HomeAssistant, house: MockConfigEntry, toy: ToyBackend, engine: Engine
) -> None:
    """The phone is called, hears a sentence, and is asked for a key."""
    before = dict(house.options)
    dialog = await begin(hass, house, toy)
    (request,) = toy.requests
    assert (request.callee, request.timeout) == ("09121234567", 45)
    assert request.announcement is not None
    assert request.announcement.digits == 1
    ((said, *_),) = engine.asked
    assert "Press any key" in said
    toy.announce(Played.FULL, digits="5")
    await hear(toy, dialog, WORKS)
    dialog.expect_form("speech_works")
    assert len(await dialog.step_texts()) == 2
    await dialog.submit({})
    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY
    assert house.options == before


@pytest.mark.usefixtures("engine")
async def test_removal_denied(
    hass: HomeAssistant, house: MockConfigEntry, toy: ToyBackend
) -> None:
    """The right to remove sounds is named as well, after what is drawn."""
    toy.removal_error = DeniedError(
        PbxErrorCode.ACCESS_DENIED, "/pbx/announcements/remove"
    )
    dialog = await begin(hass, house, toy)
    await hear(toy, dialog, WORKS)
    await expect_fault(dialog, "access_denied", "/pbx/announcements/remove")
    (request,) = toy.requests
    assert request.announcement is not None
    assert toy.removed_audio == [request.announcement.audio]
    assert request.announcement.audio.seconds

    toy.requests.clear()
    dialog = await begin(hass, house, toy)
    await hear(toy, dialog, WORKS._replace(is_same_name=True))
    await expect_fault(dialog, "speech_same_name")


async def test_in_persian(
    hass: HomeAssistant, house: MockConfigEntry, toy: ToyBackend, engine: Engine
) -> None:
    """The sentence is in the language of the house, if there is one."""
    for language, word in (("fa", "کلید"), ("de", "key")):
        hass.config.language = language
        dialog = await begin(hass, house, toy)
        assert word in engine.asked[-1][0]
        await hear(toy, dialog, WORKS)
        toy.requests.clear()


async def test_one_box(
    hass: HomeAssistant, house: MockConfigEntry, toys: Toys, engine: Engine
) -> None:
    """Where one box is drawn, no key is asked for."""
    await set_options(hass, house, speech_boxes="say")
    toy = toys.latest
    dialog = await begin(hass, house, toy)
    assert toy.requests[0].announcement is not None
    assert not toy.requests[0].announcement.takes_keys
    assert "key" not in engine.asked[0][0]
    await hear(toy, dialog, SpeechTrace(say_at=1.0, names=("say",)))
    dialog.expect_form("speech_works")


async def test_own_voice(
    hass: HomeAssistant, house: MockConfigEntry, toy: ToyBackend
) -> None:
    """Without an engine, the PBX itself speaks."""
    dialog = await begin(hass, house, toy)
    (prepared,) = toy.messages
    assert prepared.parts == (SpokenValue(ValueKind.DIGITS, "123"),)
    await hear(toy, dialog, WORKS)
    dialog.expect_form("speech_works")


async def test_bad_engine(
    hass: HomeAssistant, house: MockConfigEntry, toy: ToyBackend, engine: Engine
) -> None:
    """With an engine that makes no sound, it does, too."""

    async def nothing(_message: str) -> tuple[str, bytes]:
        return "wav", b""

    engine._answer = nothing  # noqa: SLF001 - set by the test
    dialog = await begin(hass, house, toy)
    assert engine.asked
    assert toy.messages[-1].parts == (SpokenValue(ValueKind.DIGITS, "123"),)
    await hear(toy, dialog, WORKS)
    dialog.expect_form("speech_works")


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"failed": True, "key_at": 1.1}, "speech_box_failed", ("output e",)),
        ({"is_same_name": True}, "speech_same_name", ("say and key",)),
        (
            {"key_at": None, "digits": ""},
            "speech_key_missing",
            ("output next", "output e", "heard nothing"),
        ),
        ({"reported_result": "no_answer"}, "speech_answer_type", ("Definite Answer",)),
        ({"digits": ""}, "speech_no_key", ("no key has arrived",)),
        # What is nearest to the beginning comes first.
        ({"failed": True, "is_same_name": True}, "speech_box_failed", ()),
        ({"reported_result": "no_answer", "digits": ""}, "speech_answer_type", ()),
    ],
)
@pytest.mark.usefixtures("engine")
async def test_step_missing(
    hass: HomeAssistant,
    house: MockConfigEntry,
    toy: ToyBackend,
    changes: dict[str, Any],
    error: str,
    words: tuple[str, ...],
) -> None:
    """The test says which step is missing, and can be repeated."""
    dialog = await begin(hass, house, toy)
    await hear(toy, dialog, WORKS._replace(**changes))
    await expect_fault(dialog, error, *words)

    toy.requests.clear()
    dialog.result = await hass.config_entries.options.async_configure(
        dialog.result["flow_id"], {}
    )
    await until(lambda: toy.requests)
    await run_pending()
    await hear(toy, dialog, WORKS)
    dialog.expect_form("speech_works")


@pytest.mark.parametrize("trace", [None, SpeechTrace()])
@pytest.mark.parametrize(
    ("result", "error", "word"),
    [
        (CallResult.ANSWERED, "speech_no_request", "API Address"),
        (CallResult.NO_ANSWER, "speech_no_answer", "If you did answer"),
        (CallResult.UNDETERMINED, "speech_no_answer", "If you did answer"),
        (CallResult.BUSY, "speech_not_answered", "busy"),
        (CallResult.DECLINED, "speech_not_answered", "busy"),
        (CallResult.CALLER_UNREACHABLE, "speech_not_answered", "busy"),
        # The phone was answered, and no route was found.
        (CallResult.FAILED, "speech_no_answer", "check the route"),
    ],
)
@pytest.mark.usefixtures("engine")
async def test_no_request(
    hass: HomeAssistant,
    house: MockConfigEntry,
    toy: ToyBackend,
    trace: SpeechTrace | None,
    result: CallResult,
    error: str,
    word: str,
) -> None:
    """A phone that nobody answers is told from a drawing that does not ask."""
    dialog = await begin(hass, house, toy)
    await hear(toy, dialog, trace, result)
    await expect_fault(dialog, error, word)


@pytest.mark.parametrize(
    ("fault", "error", "word"),
    [
        (
            DeniedError(PbxErrorCode.ACCESS_DENIED, "/pbx/announcements/upload"),
            *("access_denied", "/pbx/announcements/upload"),
        ),
        (PbxError(PbxErrorCode.REFUSED, "Disk full"), "refused", "Disk full"),
    ],
)
@pytest.mark.usefixtures("engine")
async def test_refused(
    hass: HomeAssistant,
    house: MockConfigEntry,
    toy: ToyBackend,
    fault: PbxError,
    error: str,
    word: str,
) -> None:
    """A right that is missing is named, before anybody is rung."""
    toy.error = fault
    dialog = await open_page(hass, house, "test_speech")
    await finish(dialog)
    await expect_fault(dialog, error, word)
    assert toy.requests == []


@pytest.mark.parametrize(
    "fault",
    [CallUncertainError("timeout"), DeniedError(PbxErrorCode.NO_SPEECH, "no number")],
)
@pytest.mark.usefixtures("engine")
async def test_of_calls(
    hass: HomeAssistant, house: MockConfigEntry, toy: ToyBackend, fault: PbxError
) -> None:
    """An error that no form knows is told in the words of the action."""
    toy.error = fault
    dialog = await open_page(hass, house, "test_speech")
    await finish(dialog)
    await expect_fault(dialog, "speech_test_refused", fault.detail)


@pytest.mark.usefixtures("engine")
async def test_forbidden(
    hass: HomeAssistant, house: MockConfigEntry, toy: ToyBackend
) -> None:
    """The dialing rules apply, and say why."""
    await set_options(hass, house, forbidden_numbers=["0912*"])
    dialog = await open_page(hass, house, "test_speech")
    await finish(dialog)
    await expect_fault(dialog, "speech_test_refused", "forbidden")
    assert toy.requests == []


@pytest.mark.parametrize("missing", ["speech_number", "test_phone"])
async def test_not_filled_in(
    hass: HomeAssistant, house: MockConfigEntry, missing: str
) -> None:
    """Without a number or a phone, the test says what to enter."""
    await set_options(hass, house, **{missing: ""})
    dialog = await open_page(hass, house, "test_speech")
    await finish(dialog)
    await expect_fault(dialog, "speech_no_test_phone", "Speech")


async def test_not_loaded(hass: HomeAssistant, house: MockConfigEntry) -> None:
    """A PBX that is not loaded cannot be tested."""
    assert await hass.config_entries.async_unload(house.entry_id)
    dialog = await open_page(hass, house, "test_speech")
    await finish(dialog)
    await expect_fault(dialog, "speech_not_loaded", "Devices & services")


async def test_asked_for_its_state(
    hass: HomeAssistant, house: MockConfigEntry, toy: ToyBackend
) -> None:
    """A browser that is opened again sees the progress, and no second call begins."""
    dialog = await begin(hass, house, toy)
    dialog.result = await hass.config_entries.options.async_configure(
        dialog.result["flow_id"]
    )
    assert dialog.result["type"] is FlowResultType.SHOW_PROGRESS
    await run_pending()
    assert len(toy.requests) == 1
    await hear(toy, dialog, WORKS)
    dialog.expect_form("speech_works")


async def test_closed_in_between(
    hass: HomeAssistant, house: MockConfigEntry, toy: ToyBackend, engine: Engine
) -> None:
    """A flow that is closed while the speech is made calls nobody."""
    engine._answer = forever  # noqa: SLF001 - set by the test
    dialog = await open_page(hass, house, "test_speech")
    await until(lambda: engine.asked)
    hass.config_entries.options.async_abort(dialog.result["flow_id"])
    await asyncio.sleep(0)
    await run_pending()
    assert toy.requests == []
