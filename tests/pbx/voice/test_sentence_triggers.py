"""Tests of calling contacts by voice, through Assist itself."""

from datetime import timedelta
from typing import Any

from homeassistant.components import conversation
from homeassistant.components.conversation.agent_manager import get_agent_manager
from homeassistant.components.homeassistant.exposed_entities import async_expose_entity
from homeassistant.core import CALLBACK_TYPE, Context, HomeAssistant
from homeassistant.helpers import area_registry as ar, device_registry as dr
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.pbx.backends.base import PbxError, PbxErrorCode
from custom_components.pbx.voice.sentences import LANGUAGES, spoken

from ..common import set_options
from ..people import (
    contact,
    device_of,
    disable,
    entity_of,
    give_aliases,
    phone,
    rename,
    set_up,
)
from ..toy import Toys

pytest.importorskip("hassil")

MUM = contact("Mum", "09121234567", "مامان", "Mutti", "maman", "mamá", "أمي")
KITCHEN = phone("Kitchen", "102")


@pytest.fixture(autouse=True)
async def _assist(hass: HomeAssistant) -> None:
    """Have an Assist to speak to."""
    assert await async_setup_component(hass, "homeassistant", {})
    assert await async_setup_component(hass, "conversation", {})
    await hass.async_block_till_done()


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch, hass: HomeAssistant) -> list[list[str]]:
    """Return the sentences of each trigger that Assist is given."""
    found: list[list[str]] = []
    manager = get_agent_manager(hass)
    register = manager.register_trigger

    def spy(sentences: list[str], trigger_callback: Any) -> CALLBACK_TYPE:  # noqa: ANN401 - passed on
        found.append(sentences)
        return register(sentences, trigger_callback)

    monkeypatch.setattr(manager, "register_trigger", spy)
    return found


async def registries_settle(hass: HomeAssistant) -> None:
    """Let as much time go by as is waited for further changes of names."""
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=2))
    await hass.async_block_till_done()


async def say(
    hass: HomeAssistant, text: str, language: str = "en", device_id: str | None = None
) -> str:
    """Say something to Assist, and return its answer."""
    result = await conversation.async_converse(
        hass, text, None, Context(), language=language, device_id=device_id
    )
    await hass.async_block_till_done()
    speech: dict[str, Any] = result.response.speech
    return str(speech["plain"]["speech"])


def parties(toys: Toys) -> list[tuple[str, str]]:
    """Return who was rung first and who was called, for each call."""
    return [(each.caller, each.callee) for toy in toys.made for each in toy.requests]


@pytest.mark.parametrize(
    ("language", "text", "answer"),
    [
        ("en", "call mum", "Calling Mum."),
        ("en", "Please ring my Mum!", "Calling Mum."),
        ("en", "PHONE MUM please", "Calling Mum."),
        ("fa", "به مامان زنگ بزن", "در حال تماس با Mum."),
        ("fa", "لطفا با مامان تماس بگیر", "در حال تماس با Mum."),
        # The same with the letters of an Arabic keyboard.
        ("fa", "لطفا با مامان تماس بگير", "در حال تماس با Mum."),
        ("fa", "زنگ بزن به مامان", "در حال تماس با Mum."),
        ("de", "ruf bitte Mutti an", "Ich rufe Mum an."),
        ("de", "Mutti anrufen", "Ich rufe Mum an."),
        ("fr", "appelle maman s'il te plaît", "J'appelle Mum."),
        ("es", "llama a mamá", "Llamando a Mum."),
        ("es", "por favor llama a mi mama", "Llamando a Mum."),
        ("ar", "اتصل بأمي", "جارٍ الاتصال: Mum."),
        ("ar", "اتصل بامي من فضلك", "جارٍ الاتصال: Mum."),
    ],
)
async def test_sentences(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    toys: Toys,
    language: str,
    text: str,
    answer: str,
) -> None:
    """In each language it is said as people say it, and answered in it."""
    await set_up(hass, new_toy, MUM)

    assert await say(hass, text, language) == answer
    assert parties(toys) == [("101", "09121234567")]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "call mum from the kitchen phone"),
        ("fa", "از تلفن Kitchen به مامان زنگ بزن"),
        ("de", "ruf Mutti von Kitchen an"),
        ("fr", "appelle maman depuis le kitchen"),
        ("es", "llama a mamá desde el kitchen"),
        ("ar", "اتصل بأمي من Kitchen"),
    ],
)
async def test_from_a_phone(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    toys: Toys,
    language: str,
    text: str,
) -> None:
    """The phone that is named rings first."""
    await set_up(hass, new_toy, MUM, KITCHEN, phone("Living room", "103"))
    await say(hass, text, language)

    assert parties(toys) == [("102", "09121234567")]


async def test_unknown_phone(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """A phone that nobody knows rings nobody else's."""
    await set_up(hass, new_toy, MUM, KITCHEN)

    answer = await say(hass, "call mum from the moon")
    assert answer == "I do not know the phone moon."
    assert parties(toys) == []


@pytest.mark.parametrize("by", ["device", "area", "neither"])
async def test_phone_near(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys, by: str
) -> None:
    """Whoever speaks near a phone is rung there, unless that is whom they call."""
    area = ar.async_get(hass).async_create("Kitchen")
    other = MockConfigEntry()
    other.add_to_hass(hass)
    registry = dr.async_get(hass)
    satellite = registry.async_get_or_create(
        config_entry_id=other.entry_id, identifiers={("test", "satellite")}
    )
    registry.async_update_device(satellite.id, area_id=area.id)
    places = {
        "device": {"satellites": [satellite.id]},
        "area": {"areas": [area.id]},
        "neither": {},
    }[by]
    near = phone("Kitchen phone", "102", **places)
    await set_up(hass, new_toy, MUM, contact("Cook", "102"), near)
    await say(hass, "call mum", device_id=satellite.id)
    await say(hass, "call cook", device_id=satellite.id)

    callers = [caller for caller, _ in parties(toys)]
    assert callers == ["101" if by == "neither" else "102", "101"]


async def test_not_by_voice(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """Who has it off is not called, exposed or not, from the moment that is said."""
    made = await set_up(hass, new_toy, contact("Mum", "103", voice=False))
    (subentry,) = made.subentries.values()
    button = entity_of(hass, made, "Mum", "call")
    async_expose_entity(hass, conversation.DOMAIN, button, should_expose=True)
    await hass.async_block_till_done()
    assert "Calling" not in await say(hass, "call mum")
    for by_voice in (True, False):
        (subentry,) = made.subentries.values()
        data = {**subentry.data, "voice": by_voice}
        hass.config_entries.async_update_subentry(made, subentry, data=data)
        await hass.async_block_till_done()
        assert ("Calling" in await say(hass, "call mum")) is by_voice

    assert len(parties(toys)) == 1


async def test_exposed(
    hass: HomeAssistant, new_toy: MockConfigEntry, built: list[list[str]]
) -> None:
    """Whether a button is exposed to Assist changes nothing, and builds nothing."""
    made = await set_up(hass, new_toy, MUM, contact("Dad", "103"))
    built.clear()
    for is_exposed in (True, False):
        for name in ("Mum", "Dad"):
            entity_id = entity_of(hass, made, name, "call")
            async_expose_entity(hass, conversation.DOMAIN, entity_id, is_exposed)
            await hass.async_block_till_done()
        assert await say(hass, "call mum") == "Calling Mum."

    assert built == []


@pytest.mark.parametrize("what", ["device", "button"])
async def test_disabled(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys, what: str
) -> None:
    """Who is disabled is not called, at once, and then is not understood either."""
    made = await set_up(hass, new_toy, MUM, contact("Dad", "103"))
    disable(hass, made, "Mum", what)
    answer = await say(hass, "call mum")
    assert answer.startswith("I could not call Mum. There is no contact Mum.")
    await registries_settle(hass)

    assert "Mum" not in await say(hass, "call mum")
    assert await say(hass, "call dad") == "Calling Dad."
    assert len(parties(toys)) == 1


async def test_names_given(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    toys: Toys,
    built: list[list[str]],
) -> None:
    """Names that are given in Home Assistant are said, after one building for all."""
    made = await set_up(hass, new_toy, contact("Mum", "103"), contact("Dad", "104"))
    built.clear()
    rename(hass, made, "Mum", "Granny")
    give_aliases(hass, made, "Mum", "Nana")
    await hass.async_block_till_done()
    rename(hass, made, "Dad", "Grandpa")
    await registries_settle(hass)

    for text in ("call granny", "call nana", "call mum"):
        assert await say(hass, text) == "Calling Mum."
    assert await say(hass, "call grandpa") == "Calling Dad."
    # The button's own name is none.
    assert "Calling" not in await say(hass, "call mum call")
    assert len(built) == 5 * len(LANGUAGES)
    assert len(toys.made) == 1

    rename(hass, made, "Mum", None)
    await registries_settle(hass)
    assert "Calling" not in await say(hass, "call granny")


async def test_names_of_others(
    hass: HomeAssistant, new_toy: MockConfigEntry, built: list[list[str]]
) -> None:
    """What is changed of others' devices, or has no name, builds nothing."""
    made = await set_up(hass, new_toy, MUM)
    other = MockConfigEntry()
    other.add_to_hass(hass)
    built.clear()
    devices = dr.async_get(hass)
    device = devices.async_get_or_create(
        config_entry_id=other.entry_id, identifiers={("test", "1")}
    )
    devices.async_update_device(device.id, name_by_user="Granny")
    devices.async_update_device(device_of(hass, made, "Mum"), labels={"family"})
    await registries_settle(hass)

    assert built == []


async def test_phone_in_an_area(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """The area of a phone's device counts, and the form's list adds others."""
    kitchen, hall, garden = (
        ar.async_get(hass).async_create(name).id for name in ("Kitchen", "Hall", "Out")
    )
    devices = dr.async_get(hass)
    made = await set_up(hass, new_toy, MUM, phone("Red", "102", areas=[hall]))
    devices.async_update_device(device_of(hass, made, "Red"), area_id=kitchen)
    other = MockConfigEntry()
    other.add_to_hass(hass)
    for number, area_id in enumerate((kitchen, hall, garden, None)):
        satellite = devices.async_get_or_create(
            config_entry_id=other.entry_id, identifiers={("test", str(number))}
        )
        devices.async_update_device(satellite.id, area_id=area_id)
        await say(hass, "call mum", device_id=satellite.id)

    assert [caller for caller, _ in parties(toys)] == ["102", "102", "101", "101"]


async def test_phone_renamed(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """A phone is known by the name of its device, until that is disabled."""
    made = await set_up(hass, new_toy, MUM, KITCHEN)
    rename(hass, made, "Kitchen", "Pantry")
    assert await say(hass, "call mum from the pantry") == "Calling Mum."
    disable(hass, made, "Kitchen", "device")

    answer = await say(hass, "call mum from the pantry")
    assert answer == "I do not know the phone pantry."
    assert parties(toys) == [("102", "09121234567")]


async def test_switched_off(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """It can be switched on and off for a PBX, and goes with it."""
    made = await set_up(hass, new_toy, MUM, voice=False)
    await say(hass, "call mum")
    assert parties(toys) == []

    await set_options(hass, made, voice=True)
    await say(hass, "call mum")
    await hass.config_entries.async_unload(made.entry_id)
    await hass.async_block_till_done()
    await say(hass, "call mum")
    assert len(parties(toys)) == 1
    assert len(toys.made) == 1


async def test_edited_contact(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """A contact is called by its new name and number as soon as it is edited."""
    made = await set_up(hass, new_toy, MUM)
    (subentry,) = made.subentries.values()
    hass.config_entries.async_update_subentry(
        made, subentry, title="Mother", data={**subentry.data, "aliases": []}
    )
    await hass.async_block_till_done()
    assert "Calling" not in await say(hass, "call mum")
    assert await say(hass, "call mother") == "Calling Mother."

    (subentry,) = made.subentries.values()
    hass.config_entries.async_update_subentry(
        made, subentry, data={**subentry.data, "number": "103"}
    )
    await hass.async_block_till_done()
    await say(hass, "call mother")

    assert parties(toys) == [("101", "09121234567"), ("101", "103")]
    assert len(toys.made) == 1


@pytest.mark.parametrize(
    "text", ["call the police", "call", "call mummy", "call mum a name", "ring"]
)
async def test_nothing_is_swallowed(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys, text: str
) -> None:
    """What is about something else goes to whoever else understands it."""
    await set_up(hass, new_toy, MUM)
    await say(hass, text)

    assert parties(toys) == []


async def test_asks_back(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """Where two have a name, nobody is called, and both are named."""
    await set_up(
        hass, new_toy, contact("Anna", "103", "boss"), contact("Bert", "104", "boss")
    )

    answer = await say(hass, "call the boss")
    assert answer == "There is more than one: Anna, Bert. Which one do you mean?"
    assert parties(toys) == []
    assert await say(hass, "call Anna") == "Calling Anna."


async def test_two_pbxs(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """A name that two PBXs have places no two calls."""
    for title in ("One", "Two"):
        await set_up(hass, new_toy, MUM, title=title)

    answer = await say(hass, "call mum")
    assert "Mum (One), Mum (Two)" in answer
    assert parties(toys) == []


async def test_longer_name(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """The one is meant whose whole name is said, and once."""
    await set_up(hass, new_toy, contact("Mum", "103"), contact("Mum from work", "104"))
    await say(hass, "call mum from work")

    assert [callee for _, callee in parties(toys)] == ["104"]


@pytest.mark.parametrize(
    ("language", "answer"),
    [
        ("en", "I could not call Mum. The PBX Toy refused: Full"),
        ("fa", "نتوانستم با Mum تماس بگیرم. مرکز تلفن Toy"),
        ("de", "Ich konnte Mum nicht anrufen. The PBX Toy refused: Full"),
    ],
)
async def test_refused(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    toys: Toys,
    language: str,
    answer: str,
) -> None:
    """A refusal is said in words, in the language where it is known."""
    await set_up(hass, new_toy, MUM)
    toys.latest.error = PbxError(PbxErrorCode.REFUSED, "Full")
    text = {"en": "call mum", "fa": "به مامان زنگ بزن", "de": "ruf Mutti an"}[language]

    assert (await say(hass, text, language)).startswith(answer)


@pytest.mark.parametrize(
    "name", ["(a|b)", "[x] {y}", "St. John's", "...", "a<b>:c", "دکتر رضا", "Ünal-Öz"]
)
async def test_any_name(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys, name: str
) -> None:
    """No name breaks the sentences of the others, and each is found by its own."""
    await set_up(hass, new_toy, MUM, contact(name, "103"))
    await say(hass, f"call {spoken(name)}")
    assert await say(hass, "call mum") == "Calling Mum."

    is_sayable = any(character.isalnum() for character in name)
    called = [callee for _, callee in parties(toys)]
    assert called == (["103"] if is_sayable else []) + ["09121234567"]
