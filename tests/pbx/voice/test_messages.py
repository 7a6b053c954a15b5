"""Tests of messages that are said to contacts by voice, through Assist itself."""

from typing import TYPE_CHECKING, Any

from homeassistant.auth.models import User
from homeassistant.components import conversation
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.backends import KINDS
from custom_components.pbx.backends.base import Feature
from custom_components.pbx.backends.errors import PbxError, PbxErrorCode
from custom_components.pbx.const import CONF_KIND

from ..common import settle
from ..people import contact, disable, phone, set_up
from ..toy import SPEECH, Toys

if TYPE_CHECKING:
    from ..speech.engines import Engine

pytest.importorskip("hassil")

MUM = contact("Mum", "09121234567", "Mummy", "مامان")
DAD = contact("Dad", "09127654321", voice=False)
KITCHEN = phone("Kitchen", "102")
TELLING = "{} gets a call with your message."
PERSIAN = "با \u2068Mum\u2069 تماس گرفته می\u200cشود و پیامتان را می\u200cشنود."


@pytest.fixture
def toy_features() -> tuple[Feature, ...]:
    """Return what the toys can do."""
    return (*SPEECH, Feature.OPTIONAL_TRUNK)


@pytest.fixture(autouse=True)
async def _assist(hass: HomeAssistant, engine: Engine) -> None:
    """Have an Assist to speak to, and an engine that speaks."""
    assert engine.asked == []
    assert await async_setup_component(hass, "homeassistant", {})
    assert await async_setup_component(hass, "conversation", {})
    await hass.async_block_till_done()


async def say(
    hass: HomeAssistant, text: str, language: str = "en", context: Context | None = None
) -> str:
    """Say something to Assist, and return its answer."""
    result = await conversation.async_converse(
        hass, text, None, context or Context(), language=language
    )
    speech: dict[str, Any] = result.response.speech
    return str(speech["plain"]["speech"])


def told(toys: Toys, engine: Engine) -> list[tuple[str, str]]:
    """Return who is called with which message."""
    callees = [each.callee for toy in toys.made for each in toy.requests]
    return list(zip(callees, (each[0] for each in engine.asked), strict=True))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tell mum dinner is ready", "dinner is ready"),
        ("Tell Mum: dinner is ready.", "dinner is ready."),
        ("tell mum, Dinner is ready!", "Dinner is ready!"),
        ("tell mum : dinner is ready", "dinner is ready"),
        ("tell mum \u2013 dinner is ready", "dinner is ready"),
        ("tell mum that dinner is ready", "dinner is ready"),
        ("Please tell my Mum that Dr. Smith, PhD, is here", "Dr. Smith, PhD, is here"),
        ("can you tell mum dinner is ready?", "dinner is ready?"),
        ("let mum know that the bus is late", "the bus is late"),
        ("let mum know the bus is late", "the bus is late"),
        ("tell mum the 7:30 bus is at St. John's", "the 7:30 bus is at St. John's"),
        ("tell mum\nthat  dinner   is ready", "dinner   is ready"),
        # Another name, or sentence, within the message.
        ("tell mum my dinner is ready", "my dinner is ready"),
        ("tell mum Kitchen lights are on", "Kitchen lights are on"),
        ("tell mum to call 102 now", "to call 102 now"),
    ],
)
async def test_english(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    toys: Toys,
    engine: Engine,
    text: str,
    message: str,
) -> None:
    """The rest of the sentence is said to the contact, as it was written."""
    await set_up(hass, new_toy, MUM, KITCHEN)

    assert await say(hass, text) == TELLING.format("Mum")
    await settle(hass)
    assert told(toys, engine) == [("09121234567", message)]
    (request,) = toys.latest.requests
    assert request.announcement is not None
    assert request.announcement.audio is not None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("به مامان بگو شام حاضر است", "شام حاضر است"),
        ("به مامان بگو که شام حاضر است.", "شام حاضر است."),
        ("به مامان بگو: شام، حاضر است!", "شام، حاضر است!"),
        ("به مامان بگو، شام حاضر است", "شام حاضر است"),
        ("لطفاً به مامان بگو شام حاضره", "شام حاضره"),
        ("لطفا به مامان بگید شام حاضره", "شام حاضره"),
        ("می\u200cشه به مامان بگی شام حاضره؟", "شام حاضره؟"),
        ("به مامان خبر بده که مهمان\u200cها رسیدند", "مهمان\u200cها رسیدند"),
        ("به مامان اطلاع بده قطار رفت", "قطار رفت"),
        # With letters of an Arabic keyboard.
        ("به مامان بگو كه شام حاضر است", "شام حاضر است"),
        # What the contact is to do.
        ("به مامان بگو زنگ بزن", "زنگ بزن"),
    ],
)
async def test_persian(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    toys: Toys,
    engine: Engine,
    text: str,
    message: str,
) -> None:
    """In Persian, as in English."""
    hass.config.language = "fa"
    await set_up(hass, new_toy, MUM)

    assert await say(hass, text, "fa") == PERSIAN
    await settle(hass)
    assert told(toys, engine) == [("09121234567", message)]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("tell me a joke", "en"),
        ("tell everyone dinner is ready", "en"),
        ("tell mum", "en"),
        ("tell mumbai dinner is ready", "en"),
        # A number is not a name.
        ("tell 09121234567 dinner is ready", "en"),
        ("let mum go home", "en"),
        ("به من بگو ساعت چند است", "fa"),
        ("به مامان بگو", "fa"),
        ("به مامانم سلام برسان", "fa"),
        ("sag Mum guten Abend", "de"),
    ],
)
async def test_not_ours(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    toys: Toys,
    engine: Engine,
    text: str,
    language: str,
) -> None:
    """Other sentences are left to others."""
    hass.config.language = language
    await set_up(hass, new_toy, MUM)

    await say(hass, text, language)
    await settle(hass)
    assert told(toys, engine) == []


@pytest.mark.parametrize(
    ("text", "language"), [("call mum", "en"), ("به مامان زنگ بزن", "fa")]
)
async def test_calls_as_before(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    toys: Toys,
    engine: Engine,
    text: str,
    language: str,
) -> None:
    """A sentence that places a call places one."""
    hass.config.language = language
    await set_up(hass, new_toy, MUM)

    assert "101" in await say(hass, text, language)
    await settle(hass)
    assert [each.announcement for each in toys.latest.requests] == [None]
    assert engine.asked == []


async def test_part_of_a_name(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys, engine: Engine
) -> None:
    """Of two names with one beginning, whole words say which one is meant."""
    await set_up(hass, new_toy, contact("Ann", "103"), contact("Anna", "104"))

    assert await say(hass, "tell Ann a storm is near") == TELLING.format("Ann")
    assert await say(hass, "tell Anna a storm is near") == TELLING.format("Anna")
    await settle(hass)
    assert {each.callee for each in toys.latest.requests} == {"103", "104"}
    assert {each[0] for each in engine.asked} == {"a storm is near"}


async def test_own_settings(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """The settings of the contact apply."""
    mum = contact("Mum", "09121234567", timeout=45)
    await set_up(hass, new_toy, mum)

    await say(hass, "tell mum dinner is ready")
    await settle(hass)
    assert toys.latest.requests[0].timeout == 45


# --- Who can be told something ---


async def test_not_by_voice(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys, engine: Engine
) -> None:
    """A contact that voice is not allowed to call is not told anything."""
    await set_up(hass, new_toy, MUM, DAD)

    answer = await say(hass, "tell dad dinner is ready")
    assert "Calls by voice are turned off for Dad" in answer
    await settle(hass)
    assert told(toys, engine) == []


async def test_disabled(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys, engine: Engine
) -> None:
    """A contact that was disabled in the meantime is not told anything."""
    made = await set_up(hass, new_toy, MUM, KITCHEN)
    disable(hass, made, "Mum", "device")

    assert "The contact Mum is disabled." in await say(hass, "tell mum hello there")
    await settle(hass)
    assert told(toys, engine) == []


async def test_may_not(
    hass: HomeAssistant,
    hass_read_only_user: User,
    new_toy: MockConfigEntry,
    toys: Toys,
    engine: Engine,
) -> None:
    """A user who may not call the contact tells it nothing, and hears why at once."""
    await set_up(hass, new_toy, MUM)

    context = Context(user_id=hass_read_only_user.id)
    answer = await say(hass, "tell mum hello there", context=context)
    assert "You do not have permission" in answer
    await settle(hass)
    assert told(toys, engine) == []


async def test_refused(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys, engine: Engine
) -> None:
    """A dialing rule refuses the call at once, before the message is prepared."""
    await set_up(hass, new_toy, MUM, forbidden_numbers=["0912*"])

    assert "Mum could not be called." in await say(hass, "tell mum hello there")
    await settle(hass)
    assert told(toys, engine) == []


@pytest.mark.parametrize("toy_features", [()])
async def test_no_speech(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys, engine: Engine
) -> None:
    """Without a PBX that can say messages, the sentences are left to others."""
    await set_up(hass, new_toy, MUM)

    assert "called" not in await say(hass, "tell mum hello there")
    assert await say(hass, "call mum") == "101 rings first, then Mum."
    await settle(hass)
    assert engine.asked == []
    assert len(toys.latest.requests) == 1


async def test_no_speech_of_one_pbx(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    toys: Toys,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of two PBXs, the one that can say messages is used; else the answer says why."""
    mute = toys.kind()
    monkeypatch.setitem(KINDS, "mute", mute)
    other = MockConfigEntry(
        domain=new_toy.domain,
        title="Mute",
        data={**new_toy.data, CONF_KIND: "mute"},
        options=new_toy.options,
    )
    await set_up(hass, other, MUM, contact("Aunt", "105"), title="Mute")
    await set_up(hass, new_toy, MUM, title="Able")

    assert await say(hass, "tell mum hello there") == TELLING.format("Mum")
    await settle(hass)
    assert len(toys.latest.requests) == 1
    assert len(told(toys, engine)) == 1

    answer = await say(hass, "tell aunt hello there")
    assert answer.startswith("Aunt could not be called. ")
    assert "Mute" in answer
    await settle(hass)
    assert len(engine.asked) == 1


async def test_asks_back(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys, engine: Engine
) -> None:
    """A name that two contacts have is asked back."""
    await set_up(hass, new_toy, MUM, title="One")
    await set_up(hass, new_toy, MUM, title="Two")

    assert await say(hass, "tell mum hello there") == (
        "There is more than one: Mum (One), Mum (Two). Which one do you mean?"
    )
    await settle(hass)
    assert told(toys, engine) == []


# --- What comes after the answer ---


async def test_at_once(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """The answer does not wait for the engine, nor for the PBX."""
    await set_up(hass, new_toy, MUM)
    toys.latest.answers.clear()

    assert await say(hass, "tell mum hello there") == TELLING.format("Mum")
    assert toys.latest.requests == []
    toys.latest.answers.set()
    await settle(hass)
    assert len(toys.latest.requests) == 1


@pytest.mark.parametrize(
    ("speech_error", "error"),
    [
        (PbxError(PbxErrorCode.NO_SPEECH, "no module"), None),
        (None, PbxError(PbxErrorCode.CANNOT_CONNECT, "no route")),
    ],
)
async def test_later_error(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    toys: Toys,
    caplog: pytest.LogCaptureFixture,
    speech_error: PbxError | None,
    error: PbxError | None,
) -> None:
    """An error after the answer is logged, without the message and the number."""
    caplog.set_level("DEBUG", "custom_components.pbx")
    await set_up(hass, new_toy, MUM)
    toys.latest.speech_error, toys.latest.error = speech_error, error

    assert await say(hass, "tell mum the key is 4711") == TELLING.format("Mum")
    await settle(hass)

    (line,) = [each for each in caplog.messages if "was not said" in each]
    assert line.startswith("The message to Mum was not said: ")
    ours = "".join(
        each.getMessage()
        for each in caplog.records
        if each.name.startswith("custom_components.pbx")
    )
    assert "4711" not in ours
    assert "09121234567" not in ours


async def test_engine_fails(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    toys: Toys,
    engine: Engine,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If the engine fails, nothing is called."""

    async def fail(_message: str) -> None:
        raise HomeAssistantError("The engine is out of words")

    monkeypatch.setattr(engine, "_answer", fail)
    await set_up(hass, new_toy, MUM)

    await say(hass, "tell mum the key is 4711")
    await settle(hass)
    assert toys.latest.requests == []
    assert "The message to Mum was not said: " in caplog.text
