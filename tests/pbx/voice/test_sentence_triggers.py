"""Tests of calling contacts by voice, through Assist itself."""

from typing import Any

from homeassistant.components import conversation
from homeassistant.components.homeassistant.exposed_entities import async_expose_entity
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers import area_registry as ar, device_registry as dr
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.backends.base import PbxError, PbxErrorCode
from custom_components.pbx.voice.sentences import spoken

from ..common import set_options
from ..people import contact, entity_of, phone, set_up
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


async def expose(
    hass: HomeAssistant, entry: MockConfigEntry, *names: str, is_exposed: bool = True
) -> None:
    """Expose the buttons of contacts to Assist."""
    for name in names:
        entity_id = entity_of(hass, entry, name, "call")
        async_expose_entity(hass, conversation.DOMAIN, entity_id, is_exposed)
    await hass.async_block_till_done()


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
    made = await set_up(hass, new_toy, MUM)
    await expose(hass, made, "Mum")

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
    made = await set_up(hass, new_toy, MUM, KITCHEN, phone("Living room", "103"))
    await expose(hass, made, "Mum")
    await say(hass, text, language)

    assert parties(toys) == [("102", "09121234567")]


async def test_unknown_phone(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """A phone that nobody knows rings nobody else's."""
    made = await set_up(hass, new_toy, MUM, KITCHEN)
    await expose(hass, made, "Mum")

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
    made = await set_up(hass, new_toy, MUM, contact("Cook", "102"), near)
    await expose(hass, made, "Mum", "Cook")
    await say(hass, "call mum", device_id=satellite.id)
    await say(hass, "call cook", device_id=satellite.id)

    callers = [caller for caller, _ in parties(toys)]
    assert callers == ["101" if by == "neither" else "102", "101"]


async def test_not_exposed(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """Who is not exposed cannot be called, from the moment that is said."""
    made = await set_up(hass, new_toy, MUM)
    await expose(hass, made, "Mum", is_exposed=False)
    assert "Calling" not in await say(hass, "call mum")
    await expose(hass, made, "Mum")
    assert "Calling" in await say(hass, "call mum")
    await expose(hass, made, "Mum", is_exposed=False)
    assert "Calling" not in await say(hass, "call mum")

    assert len(parties(toys)) == 1


async def test_switched_off(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """It can be switched on and off for a PBX, and goes with it."""
    made = await set_up(hass, new_toy, MUM, voice=False)
    await expose(hass, made, "Mum")
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
    await expose(hass, made, "Mum")
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
    made = await set_up(hass, new_toy, MUM)
    await expose(hass, made, "Mum")
    await say(hass, text)

    assert parties(toys) == []


async def test_asks_back(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """Where two have a name, nobody is called, and both are named."""
    made = await set_up(
        hass, new_toy, contact("Anna", "103", "boss"), contact("Bert", "104", "boss")
    )
    await expose(hass, made, "Anna", "Bert")

    answer = await say(hass, "call the boss")
    assert answer == "There is more than one: Anna, Bert. Which one do you mean?"
    assert parties(toys) == []
    assert await say(hass, "call Anna") == "Calling Anna."


async def test_two_pbxs(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """A name that two PBXs have places no two calls."""
    for title in ("One", "Two"):
        made = await set_up(hass, new_toy, MUM, title=title)
        await expose(hass, made, "Mum")

    answer = await say(hass, "call mum")
    assert "Mum (One), Mum (Two)" in answer
    assert parties(toys) == []


async def test_longer_name(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """The one is meant whose whole name is said, and once."""
    made = await set_up(
        hass, new_toy, contact("Mum", "103"), contact("Mum from work", "104")
    )
    await expose(hass, made, "Mum", "Mum from work")
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
    made = await set_up(hass, new_toy, MUM)
    await expose(hass, made, "Mum")
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
    made = await set_up(hass, new_toy, MUM, contact(name, "103"))
    await expose(hass, made, "Mum", name)
    await say(hass, f"call {spoken(name)}")
    assert await say(hass, "call mum") == "Calling Mum."

    is_sayable = any(character.isalnum() for character in name)
    called = [callee for _, callee in parties(toys)]
    assert called == (["103"] if is_sayable else []) + ["09121234567"]
