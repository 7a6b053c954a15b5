"""Tests of calling contacts by voice, through Assist itself."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from homeassistant.auth.models import User
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

from custom_components.pbx.backends.errors import PbxError, PbxErrorCode
from custom_components.pbx.voice.sentences import LANGUAGES
from custom_components.pbx.voice.spelling import spoken

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
from .test_answers import load

pytest.importorskip("hassil")

MUM = contact("Mum", "09121234567", "مامان", "Mutti", "maman", "mamá", "أمي")
KITCHEN = phone("Kitchen", "102")
CALLING = "101 rings first, then {}."


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


class Pipelines:
    """Stands for the collection of voice assistants.

    Their integration needs packages that the tests do not have.
    """

    def __init__(self) -> None:
        """Initialize a collection without voice assistants."""
        self.data: dict[str, SimpleNamespace] = {}
        self._listeners: list[Callable[..., Awaitable[None]]] = []

    def async_add_listener(self, listener: Callable[..., Awaitable[None]]) -> None:
        """Add a listener."""
        self._listeners.append(listener)

    async def notify(self) -> None:
        """Notify the listeners of a change."""
        for listener in self._listeners:
            await listener("updated", "0", {})


def speak(hass: HomeAssistant, *languages: str) -> Pipelines:
    """Set up a voice assistant for each language, and return their collection."""
    store = Pipelines()
    for language in languages:
        store.data[language] = SimpleNamespace(
            conversation_language=language, language=language
        )
    hass.data["assist_pipeline"] = SimpleNamespace(pipeline_store=store)
    hass.config.components.add("assist_pipeline")
    return store


async def registries_settle(hass: HomeAssistant) -> None:
    """Let as much time go by as is waited for further changes of names."""
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=2))
    await hass.async_block_till_done()


async def say(
    hass: HomeAssistant,
    text: str,
    language: str = "en",
    device_id: str | None = None,
    context: Context | None = None,
) -> str:
    """Say something to Assist, and return its answer."""
    result = await conversation.async_converse(
        hass, text, None, context or Context(), language=language, device_id=device_id
    )
    await hass.async_block_till_done()
    speech: dict[str, Any] = result.response.speech
    return str(speech["plain"]["speech"])


def parties(toys: Toys) -> list[tuple[str, str]]:
    """Return who was rung first and who was called, for each call."""
    return [(each.caller, each.callee) for toy in toys.made for each in toy.requests]


LANGUAGE_OF = {
    text: language
    for language, texts in {
        "en": (
            "call mum",
            "Please ring my Mum!",
            "PHONE MUM please",
            "can you call mum",
            "Could you please call mum?",
            "give mum a ring",
            "please give my mum a call",
            "can I call mum",
            "I'd like to call mum",
            "make a phone call to mum",
            "call up mum",
            "call mum now please",
            "call mum for me",
        ),
        "fa": (
            "به مامان زنگ بزن",
            "لطفا با مامان تماس بگیر",
            "لطفاً به مامان زنگ بزن",
            "به مامان زنگ بزن لطفا",
            "به مامان لطفاً زنگ بزن",
            "زنگ بزن به مامان",
            "مامان رو بگیر",
            "می‌تونی به مامان زنگ بزنی",
            "میشه به مامان زنگ بزنی؟",
            "میشه لطفا به مامان زنگ بزنی",
            "یه زنگ به مامان بزن",
            "به مامان یه زنگ بزن",
            "زنگ بزن مامان",
            "شماره مامان رو بگیر",
            "بی‌زحمت به مامان زنگ بزن",
            # With the comma that speech-to-text sets.
            "لطفا، به مامان زنگ بزن",
            "به مامان زنگ بزن، لطفا",
            # With letters of an Arabic keyboard, and of both.
            "لطفا با مامان تماس بگير",
            "مي‌تونی به مامان زنگ بزنی",
        ),
        "de": (
            "ruf bitte Mutti an",
            "Bitte ruf Mutti an",
            "ruf Mutti bitte an",
            "ruf Mutti an, bitte",
            "rufen Sie meine Mutti an",
            "Mutti anrufen",
            "kannst du Mutti anrufen?",
            "könntest du bitte mal Mutti anrufen",
            "ruf doch mal Mutti an",
            "ich möchte Mutti anrufen",
            "telefoniere mit Mutti",
        ),
        "fr": (
            "appelle maman s'il te plaît",
            "s'il te plaît appelle maman",
            "s’il te plaît, appelle maman",
            "téléphone à maman",
            "peux-tu appeler maman ?",
            "pourrais-tu appeler ma maman",
            "passe un coup de fil à maman",
            "appelle s'il te plaît maman",
            "je voudrais appeler maman",
        ),
        "es": (
            "llama a mamá",
            "por favor llama a mi mama",
            "llama a mamá, por favor",
            "¿puedes llamar a mamá?",
            "podrías llamar a mamá",
            "dale un toque a mamá",
            "llama por favor a mamá",
            "¿me puedes llamar a mamá?",
            "quiero llamar a mamá",
        ),
        "ar": (
            "اتصل بأمي",
            "إتصل بأمي",
            "اتصل بامي من فضلك",
            "من فضلك اتصل بأمي",
            "لو سمحت اتصل بأمي",
            "اتصل بأمي لو سمحت",
            "هل يمكنك الاتصال بأمي",
            "ممكن تتصل بأمي",
            "كلم أمي",
            "كلّم أمي",
            "اتصل بـ أمي",
            "أريد الاتصال بأمي",
            "الرجاء الاتصال بأمي",
            "لو سمحت، اتصل بأمي",
            "اتصل بأمي، لو سمحت",
        ),
    }.items()
    for text in texts
}


@pytest.fixture
def spoken_in(hass: HomeAssistant) -> None:
    """Set the languages of the voice assistants: all of ours."""
    speak(hass, *LANGUAGES)


@pytest.mark.usefixtures("spoken_in")
@pytest.mark.parametrize("text", LANGUAGE_OF)
async def test_sentences(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys, text: str
) -> None:
    """Each language has the sentences that people say, and one call is placed."""
    await set_up(hass, new_toy, MUM)

    await say(hass, text, LANGUAGE_OF[text])
    assert parties(toys) == [("101", "09121234567")]


ANSWERS = {
    "call mum": "Kitchen rings first, then Mum.",
    "به مامان زنگ بزن": "نخست \u2068Kitchen\u2069 زنگ می‌خورد و سپس \u2068Mum\u2069.",
    "ruf Mutti an": "Zuerst klingelt Kitchen, dann Mum.",
    "appelle maman": "Kitchen sonne d'abord, puis Mum.",
    "llama a mamá": "Primero suena Kitchen y después Mum.",
    "اتصل بأمي": "يرن \u2068Kitchen\u2069 أولًا ثم \u2068Mum\u2069.",
}


@pytest.mark.usefixtures("spoken_in")
@pytest.mark.parametrize("text", ANSWERS)
async def test_answers(
    hass: HomeAssistant, new_toy: MockConfigEntry, text: str
) -> None:
    """The answer says who rings, in the language of the sentence."""
    await set_up(hass, new_toy, MUM, KITCHEN, caller="102")

    # A voice assistant may speak another language than it hears.
    assert await say(hass, text, "en") == ANSWERS[text]


async def test_caller_without_name(
    hass: HomeAssistant, new_toy: MockConfigEntry
) -> None:
    """A caller that is not in the phone book is called by its number."""
    await set_up(hass, new_toy, MUM)

    assert await say(hass, "call mum") == "101 rings first, then Mum."


@pytest.mark.parametrize(
    ("name", "language", "text"),
    [
        # Accents, in both directions.
        ("Élodie", "en", "call elodie"),
        ("José", "en", "call Jose"),
        ("Jose", "en", "call José"),
        ("Helene", "fr", "appelle Hélène"),
        ("Hélène", "fr", "appelle helene"),
        ("François", "fr", "téléphone à Francois"),
        ("Maria", "es", "llama a María"),
        ("Müller", "de", "ruf Muller an"),
        ("Weiß", "de", "ruf Weiss an"),
        ("Rene\u0301", "en", "call ren\u00e9"),
        # Letters of Arabic and Persian keyboards, also mixed in one sentence.
        ("علي", "fa", "به علی زنگ بزن"),
        ("علی", "fa", "به علي زنگ بزن"),
        ("علی", "fa", "لطفا با علي تماس بگیر"),
        ("کیان", "fa", "به كيان زنگ بزن"),
        ("کیان", "fa", "به کيان تماس بگير"),
        ("كيان", "fa", "به کیان زنگ بزن"),
        ("علی کریمی", "fa", "به علی كريمي زنگ بزن"),
        ("آزاده", "fa", "به ازاده زنگ بزن"),
        ("فاطمة", "ar", "اتصل بفاطمه"),
        ("فاطمه", "ar", "اتصل بفاطمة"),
        ("مُحَمَّد", "ar", "اتصل بمحمد"),
        ("أحمد", "ar", "اتصل باحمد"),
        # Non-joiners, in both directions.
        ("علی\u200cرضا", "fa", "به علی\u200cرضا زنگ بزن"),
        ("علی\u200cرضا", "fa", "به علی رضا زنگ بزن"),
        ("علی\u200cرضا", "fa", "به علیرضا زنگ بزن"),
        ("علی\u200cرضا", "fa", "به علي رضا زنگ بزن"),
        ("علی رضا", "fa", "به علی\u200cرضا زنگ بزن"),
        ("علی رضا", "fa", "به علیرضا زنگ بزن"),
        ("علیرضا", "fa", "به علی\u200cرضا زنگ بزن"),
        # Punctuation and digits.
        ("Mary-Ann", "en", "call Mary Ann"),
        ("Mary Ann", "en", "call Mary-Ann"),
        ("St. John's", "en", "call St. John's"),
        ("O'Neill", "en", "call ONeill"),
        ("O’Neill", "en", "call O'Neill"),
        ("طبقه ۳", "fa", "به طبقه 3 زنگ بزن"),
        ("طبقه 3", "fa", "به طبقه ۳ زنگ بزن"),
    ],
)
@pytest.mark.usefixtures("spoken_in")
async def test_spellings(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    toys: Toys,
    name: str,
    language: str,
    text: str,
) -> None:
    """A name is found in every spelling."""
    await set_up(hass, new_toy, contact(name, "103"), contact("Other", "104"))
    await say(hass, text, language)

    assert parties(toys) == [("101", "103")]


async def test_accents_of_aliases(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """Both of two aliases that differ by an accent only can be said."""
    await set_up(hass, new_toy, contact("Mum", "103", "mama", "mamá"))
    for text in ("call mama", "call mamá"):
        await say(hass, text)
        toys.latest.end()

    assert parties(toys) == [("101", "103")] * 2


async def test_accents_of_contacts(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """Of two contacts that differ by an accent only, the spelling decides."""
    await set_up(hass, new_toy, contact("Jose", "103"), contact("José", "104"))
    for text in ("call Jose", "call josé"):
        await say(hass, text)

    assert [callee for _, callee in parties(toys)] == ["103", "104"]


@pytest.mark.parametrize(
    ("language", "text", "callee"),
    [
        ("en", "call the kitchen", "102"),
        ("en", "call the kitchen phone", "102"),
        ("en", "call 102", "102"),
        ("en", "call extension 102", "102"),
        ("en", "call 09121234567", "09121234567"),
        ("de", "ruf die Nummer 102 an", "102"),
        ("de", "wähle die 102", "102"),
        ("de", "ruf beim Büro an", "104"),
        ("de", "ruf im Büro an", "104"),
        ("fr", "téléphone au bureau", "104"),
        ("fr", "appelle le bureau", "104"),
        ("fr", "appelle au bureau", "104"),
        ("fr", "compose le numéro 102", "102"),
        ("fr", "téléphone à l'accueil", "104"),
        ("fr", "appelle l’accueil", "104"),
        ("es", "llama al despacho", "104"),
        ("es", "llama al número 102", "102"),
        ("es", "marca el 102", "102"),
        ("fa", "به ۱۰۲ زنگ بزن", "102"),
        ("fa", "شماره ۱۰۲ رو بگیر", "102"),
        ("fa", "داخلی ۱۰۲ رو بگیر", "102"),
        ("ar", "اتصل ب102", "102"),
        ("ar", "اتصل بـ102", "102"),
        ("ar", "اتصل بالرقم ١٠٢", "102"),
    ],
)
@pytest.mark.usefixtures("spoken_in")
async def test_extensions_and_numbers(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    toys: Toys,
    language: str,
    text: str,
    callee: str,
) -> None:
    """Extensions are called by their names, and all by their numbers."""
    office = contact("Office", "104", "Büro", "bureau", "accueil", "despacho")
    await set_up(hass, new_toy, MUM, KITCHEN, office)
    await say(hass, text, language)

    assert parties(toys) == [("101", callee)]


async def test_extension_without_voice(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """An extension that is not called by voice rings first all the same."""
    await set_up(hass, new_toy, MUM, phone("Kitchen", "102", voice=False))
    for text in ("call the kitchen", "call 102"):
        answer = await say(hass, text)
        assert answer.startswith(
            "Kitchen could not be called. Calls by voice are turned off for Kitchen."
        )
    assert parties(toys) == []

    await say(hass, "call mum from the kitchen")
    assert parties(toys) == [("102", "09121234567")]


async def test_caller_of_an_extension(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """The caller in an extension's own call defaults rings first."""
    await set_up(hass, new_toy, phone("Kitchen", "102", caller="105"))
    await say(hass, "call the kitchen")

    assert parties(toys) == [("105", "102")]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "call mum from the kitchen phone"),
        ("en", "call mum on 102"),
        ("en", "give mum a ring from the kitchen"),
        ("fa", "از تلفن Kitchen به مامان زنگ بزن"),
        ("fa", "به مامان از آشپزخانه زنگ بزن"),
        ("fa", "به مامان از اشپزخانه زنگ بزن لطفا"),
        ("de", "ruf Mutti vom Büro an"),
        ("de", "ruf Mutti mit dem Büro an"),
        ("de", "ruf Mutti vom Büro aus an"),
        ("fr", "appelle maman depuis le bureau"),
        ("fr", "appelle maman du bureau"),
        ("es", "llama a mamá desde el despacho"),
        ("es", "llama a mamá del despacho"),
        ("ar", "اتصل بأمي من المكتب"),
    ],
)
@pytest.mark.usefixtures("spoken_in")
async def test_from_a_phone(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    toys: Toys,
    language: str,
    text: str,
) -> None:
    """The phone that is named rings first."""
    made = await set_up(hass, new_toy, MUM, KITCHEN, phone("Living room", "103"))
    aliases = ("آشپزخانه", "Büro", "bureau", "despacho", "المكتب")
    give_aliases(hass, made, "Kitchen", *aliases)
    await registries_settle(hass)
    await say(hass, text, language)

    assert parties(toys) == [("102", "09121234567")]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "call the police"),
        ("en", "don't call mum"),
        ("en", "remind me to call mum"),
        ("en", "call mum now and then"),
        ("en", "call"),
        ("en", "ring"),
        ("en", "call mummy"),
        ("en", "call mum a name"),
        ("en", "call mum on Sunday"),
        ("en", "call mum from the moon"),
        ("en", "call mum with love"),
        ("en", "give mum"),
        ("en", "mum"),
        ("en", "call 999"),
        ("en", "call them um"),
        ("fa", "به مامان"),
        ("fa", "به مامان زنگ نزن"),
        ("fa", "یه زنگ مامان"),
        ("fa", "مامان"),
        ("fa", "فردا به مامان زنگ بزن"),
        ("fa", "به مامانم زنگ بزن"),
        ("de", "ruf Mutti am Sonntag an"),
        ("de", "Mutti an"),
        ("de", "Kitchen an"),
        ("fr", "appelle maman dimanche"),
        ("fr", "n'appelle pas maman"),
        ("fr", "appelle maman avec amour"),
        ("es", "llama a mamá el domingo"),
        ("ar", "اتصل بأمي يوم الأحد"),
        ("ar", "لا تتصل بأمي"),
    ],
)
@pytest.mark.usefixtures("spoken_in")
async def test_not_ours(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    toys: Toys,
    language: str,
    text: str,
) -> None:
    """A sentence with anything else in it is left to others."""
    await set_up(hass, new_toy, MUM, KITCHEN)
    agent = get_agent_manager(hass).default_agent
    assert agent is not None
    spoken_to = conversation.ConversationInput(
        text=text,
        context=Context(),
        conversation_id=None,
        device_id=None,
        satellite_id=None,
        language=language,
        agent_id=conversation.HOME_ASSISTANT_AGENT,
    )
    assert await agent.async_recognize_sentence_trigger(spoken_to) is None
    await say(hass, text, language)

    assert parties(toys) == []


async def test_languages(
    hass: HomeAssistant, new_toy: MockConfigEntry, built: list[list[str]]
) -> None:
    """Only the languages of the voice assistants have sentences, as they change."""
    store = speak(hass)
    await set_up(hass, new_toy, MUM)
    assert len(built) == 1
    assert "Mum" not in await say(hass, "ruf Mutti an", "de")

    built.clear()
    store.data["0"] = SimpleNamespace(conversation_language="de-CH", language="de")
    await store.notify()
    await hass.async_block_till_done()
    assert len(built) == 2
    assert "Mum" in await say(hass, "ruf Mutti an", "de")

    built.clear()
    store.data["1"] = SimpleNamespace(conversation_language="*", language="fr")
    await store.notify()
    await hass.async_block_till_done()
    assert len(built) == 3
    assert "Mum" in await say(hass, "appelle maman", "fr")

    built.clear()
    await hass.config.async_update(language="it")
    store.data.clear()
    await store.notify()
    await hass.async_block_till_done()
    assert built == []
    assert "Mum" not in await say(hass, "call mum")


def satellite_in(hass: HomeAssistant, area_id: str | None) -> str:
    """Return a voice device in an area."""
    other = MockConfigEntry()
    other.add_to_hass(hass)
    registry = dr.async_get(hass)
    satellite = registry.async_get_or_create(
        config_entry_id=other.entry_id, identifiers={("test", other.entry_id)}
    )
    registry.async_update_device(satellite.id, area_id=area_id)
    return satellite.id


async def test_phone_near(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """The phone near the user rings first, unless it is the callee or disabled."""
    area = ar.async_get(hass).async_create("Kitchen")
    satellite = satellite_in(hass, area.id)
    near = phone("Kitchen", "102", areas=[area.id])
    not_a_phone = contact("Dad", "104", areas=[area.id])
    made = await set_up(hass, new_toy, not_a_phone, MUM, near)
    await say(hass, "call mum", device_id=satellite)
    await say(hass, "call the kitchen", device_id=satellite)
    disable(hass, made, "Kitchen", "device")
    await say(hass, "call mum", device_id=satellite)

    assert [caller for caller, _ in parties(toys)] == ["102", "101", "101"]


NOT_BY_VOICE = {
    "call mum": (
        "Mum could not be called. Calls by voice are turned off for Mum. To allow them,"
        " edit the contact under Settings > Devices & services."
    ),
    "به مامان زنگ بزن": (
        "تماس با \u2068Mum\u2069 برقرار نشد. \u2068تماس با فرمان صوتی برای"
        " \u2068Mum\u2069 خاموش است. برای روشن کردن آن، مخاطب را در تنظیمات >"
        " دستگاه\u200cها و سرویس\u200cها ویرایش کنید.\u2069"
    ),
    "ruf Mutti an": (
        "Mum konnte nicht angerufen werden. Anrufe per Sprache sind für Mum"
        " ausgeschaltet. Um sie zu erlauben, bearbeite den Kontakt unter Einstellungen"
        " > Geräte & Dienste."
    ),
    "appelle maman": (
        "Impossible d'appeler Mum. Les appels vocaux sont désactivés pour Mum. Pour les"
        " autoriser, modifiez le contact dans Paramètres > Appareils et services."
    ),
    "llama a mamá": (
        "No se ha podido llamar a Mum. Las llamadas por voz están desactivadas para"
        " Mum. Para permitirlas, edita el contacto en Ajustes > Dispositivos y"
        " servicios."
    ),
    "اتصل بأمي": (
        "تعذر الاتصال: \u2068Mum\u2069. \u2068الاتصال بالصوت موقوف لجهة الاتصال"
        " \u2068Mum\u2069. للسماح به، عدّل جهة الاتصال في الإعدادات > الأجهزة"
        " والخدمات.\u2069"
    ),
}


@pytest.mark.usefixtures("spoken_in")
@pytest.mark.parametrize("text", NOT_BY_VOICE)
async def test_not_by_voice(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys, text: str
) -> None:
    """A contact for which voice is off is not called, and the answer says so."""
    aliases = MUM["data"]["aliases"]
    mum = contact("Mum", "103", *aliases, voice=False)
    made = await set_up(hass, new_toy, mum)
    # That its button is exposed to Assist changes nothing.
    button = entity_of(hass, made, "Mum", "call")
    async_expose_entity(hass, conversation.DOMAIN, button, should_expose=True)
    await hass.async_block_till_done()

    assert await say(hass, text, "en") == NOT_BY_VOICE[text]
    assert parties(toys) == []


async def test_voice_switched(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """Voice is on or off for a contact as soon as it is switched."""
    made = await set_up(hass, new_toy, contact("Mum", "103", voice=False))
    for by_voice in (True, False):
        (subentry,) = made.subentries.values()
        data = {**subentry.data, "voice": by_voice}
        hass.config_entries.async_update_subentry(made, subentry, data=data)
        await hass.async_block_till_done()
        assert ("rings first" in await say(hass, "call mum")) is by_voice

    assert len(parties(toys)) == 1


async def test_shared_name_not_by_voice(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """Of two contacts with one alias, the one for which voice is on is called."""
    anna = contact("Anna", "103", "boss", voice=False)
    await set_up(hass, new_toy, anna, contact("Bert", "104", "boss"))

    assert await say(hass, "call the boss") == CALLING.format("Bert")
    assert parties(toys) == [("101", "104")]


async def test_accent_not_by_voice(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """A contact is not called in place of one for which voice is off."""
    jose = contact("José", "104", voice=False)
    await set_up(hass, new_toy, contact("Jose", "103"), jose)
    answer = await say(hass, "call José")

    assert "Calls by voice are turned off for José." in answer
    assert parties(toys) == []


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
        assert await say(hass, "call mum") == CALLING.format("Mum")

    assert built == []


@pytest.mark.parametrize("what", ["device", "button"])
async def test_disabled(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys, what: str
) -> None:
    """A disabled contact is not called, and a moment later not understood."""
    made = await set_up(hass, new_toy, MUM, contact("Dad", "103"))
    disable(hass, made, "Mum", what)
    answer = await say(hass, "call mum")
    assert answer.startswith("Mum could not be called. The contact Mum is disabled.")
    await registries_settle(hass)

    assert "Mum" not in await say(hass, "call mum")
    assert await say(hass, "call dad") == CALLING.format("Dad")
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
        assert await say(hass, text) == CALLING.format("Mum")
    assert await say(hass, "call grandpa") == CALLING.format("Dad")
    # The button's own name is none.
    assert "rings first" not in await say(hass, "call mum call")
    assert len(built) == 1
    assert len(toys.made) == 1

    rename(hass, made, "Mum", None)
    answer = await say(hass, "call granny")
    assert answer.startswith("Granny could not be called. There is no contact named")
    assert answer.endswith("Similar contacts: Dad, Mum.")
    await registries_settle(hass)
    assert "Granny" not in await say(hass, "call granny")


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
    made = await set_up(hass, new_toy, MUM, phone("Red", "102", areas=[hall]))
    dr.async_get(hass).async_update_device(
        device_of(hass, made, "Red"), area_id=kitchen
    )
    for area_id in (kitchen, hall, garden, None):
        satellite = satellite_in(hass, area_id)
        await say(hass, "call mum", device_id=satellite)
        # The same request again would join the first one.
        toys.latest.end()

    assert [caller for caller, _ in parties(toys)] == ["102", "102", "101", "101"]


async def test_phone_renamed(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """A phone is known by the name of its device, until that is disabled."""
    made = await set_up(hass, new_toy, MUM, KITCHEN)
    rename(hass, made, "Kitchen", "Pantry")
    await registries_settle(hass)
    answer = await say(hass, "call mum from the pantry")
    assert answer == "Kitchen rings first, then Mum."
    disable(hass, made, "Kitchen", "device")

    answer = await say(hass, "call mum from the pantry")
    assert answer == "There is no phone Pantry that can ring first."
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
    assert "rings first" not in await say(hass, "call mum")
    assert await say(hass, "call mother") == CALLING.format("Mother")

    (subentry,) = made.subentries.values()
    hass.config_entries.async_update_subentry(
        made, subentry, data={**subentry.data, "number": "103"}
    )
    await hass.async_block_till_done()
    await say(hass, "call mother")

    assert parties(toys) == [("101", "09121234567"), ("101", "103")]
    assert len(toys.made) == 1


async def test_asks_back(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """If two contacts have a name, neither is called, and both are named."""
    await set_up(
        hass, new_toy, contact("Anna", "103", "boss"), contact("Bert", "104", "boss")
    )

    answer = await say(hass, "call the boss")
    assert answer == "There is more than one: Anna, Bert. Which one do you mean?"
    assert parties(toys) == []
    assert await say(hass, "call Anna") == CALLING.format("Anna")


async def set_up_two(hass: HomeAssistant, new_toy: MockConfigEntry) -> str:
    """Set up two PBXs that know Mum, and return a voice device near Two's phone."""
    area = ar.async_get(hass).async_create("Kitchen")
    await set_up(hass, new_toy, MUM, phone("Office", "103"), title="One")
    mum = contact("Mum", "09129999999")
    near = phone("Kitchen", "102", areas=[area.id])
    await set_up(hass, new_toy, mum, contact("Dad", "104"), near, title="Two")
    return satellite_in(hass, area.id)


async def test_two_pbxs(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """A name that two PBXs have places no two calls."""
    await set_up_two(hass, new_toy)

    answer = await say(hass, "call mum")
    assert answer == (
        "There is more than one: Mum (One), Mum (Two). Which one do you mean?"
    )
    assert parties(toys) == []


async def test_phone_of_one_pbx(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """Of two PBXs that know a name, that of the phone places the call."""
    satellite = await set_up_two(hass, new_toy)
    await say(hass, "call mum", device_id=satellite)
    # The same request again would join the first one.
    toys.latest.end()
    await say(hass, "call mum from the kitchen")
    await say(hass, "call mum from the office", device_id=satellite)

    one, two = ([(e.caller, e.callee) for e in toy.requests] for toy in toys.made)
    assert two == [("102", "09129999999")] * 2
    assert one == [("103", "09121234567")]


async def test_phone_of_the_other_pbx(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """A phone of another PBX than the callee's does not ring."""
    await set_up_two(hass, new_toy)

    assert await say(hass, "call dad from the office") == (
        "Dad could not be called. The contact Dad belongs to Two, but the contact"
        " Office belongs to One. Use contacts of the same PBX."
    )
    assert parties(toys) == []


async def test_one_of_two_pbxs(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """A PBX whose voice is off, or where the contact is disabled, does not count."""
    await set_up(hass, new_toy, MUM, title="One", voice=False)
    two = await set_up(hass, new_toy, MUM, title="Two")
    assert await say(hass, "call mum") == CALLING.format("Mum")
    await set_up(hass, new_toy, MUM, title="Three")
    disable(hass, two, "Mum", "device")
    assert await say(hass, "call mum") == CALLING.format("Mum")

    assert [len(toy.requests) for toy in toys.made] == [0, 1, 1]


async def test_longer_name(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """The one is meant whose whole name is said, and once."""
    await set_up(hass, new_toy, contact("Mum", "103"), contact("Mum from work", "104"))
    await say(hass, "call mum from work")

    assert [callee for _, callee in parties(toys)] == ["104"]


@pytest.mark.usefixtures("spoken_in")
@pytest.mark.parametrize(
    ("language", "answer"),
    [
        ("en", "Mum could not be called. The PBX Toy refused"),
        ("fa", "تماس با \u2068Mum\u2069 برقرار نشد. \u2068مرکز تلفن"),
        ("de", "Mum konnte nicht angerufen werden. Die Telefonanlage Toy"),
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


@pytest.mark.usefixtures("spoken_in")
@pytest.mark.parametrize(
    ("language", "text"),
    zip(("en", "fa", "de", "fr", "es", "ar"), ANSWERS, strict=True),
)
async def test_fields_of_errors(
    hass: HomeAssistant, new_toy: MockConfigEntry, language: str, text: str
) -> None:
    """A field that an error names is named in the language of the sentence."""
    await set_up(hass, new_toy, MUM, caller="")
    named = load(language)["common"]["voice_field_caller"]

    assert named in await say(hass, text, "en")


OF_OWN_CALLER = {
    "call mum": "Calls to Mum ring Pantry first,",
    "به مامان زنگ بزن": "\u2068در تماس با \u2068Mum\u2069 ابتدا باید \u2068Pantry",
    "ruf Mutti an": "Bei Anrufen an Mum klingelt zuerst Pantry,",
    "appelle maman": "Pour appeler Mum, Pantry doit sonner d'abord,",
    "llama a mamá": "En las llamadas a Mum primero suena Pantry,",
    "اتصل بأمي": "عند الاتصال بجهة الاتصال \u2068Mum\u2069 يرن \u2068Pantry",
}


@pytest.mark.usefixtures("spoken_in")
@pytest.mark.parametrize("text", OF_OWN_CALLER)
async def test_callers_by_name(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys, text: str
) -> None:
    """A caller that is stored by its name rings, or is named where it is unknown."""
    mum = contact("Mum", "103", *MUM["data"]["aliases"], caller="Kitchen")
    made = await set_up(hass, new_toy, mum, KITCHEN)
    await say(hass, text, "en")
    assert parties(toys) == [("102", "103")]

    subentry = next(each for each in made.subentries.values() if each.title == "Mum")
    data = {**subentry.data, "caller": "Pantry"}
    hass.config_entries.async_update_subentry(made, subentry, data=data)
    await hass.async_block_till_done()
    assert OF_OWN_CALLER[text] in await say(hass, text, "en")
    assert len(parties(toys)) == 1


@pytest.mark.usefixtures("spoken_in")
@pytest.mark.parametrize(
    ("language", "text", "answer"),
    [
        ("en", "hang up", "The call has ended."),
        ("en", "Please hang up the phone.", "The call has ended."),
        ("en", "can you end the call please", "The call has ended."),
        ("en", "end call", "The call has ended."),
        ("fa", "قطع کن", "تماس پایان یافت."),
        ("fa", "قطعش کن", "تماس پایان یافت."),
        ("fa", "لطفا، قطع کن", "تماس پایان یافت."),
        ("fa", "قطع کن، لطفا", "تماس پایان یافت."),
        ("fa", "لطفاً تلفن رو قطع كن", "تماس پایان یافت."),
    ],
)
async def test_hang_up(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    toys: Toys,
    language: str,
    text: str,
    answer: str,
) -> None:
    """The calls that were placed from here are ended."""
    await set_up(hass, new_toy, MUM, title="Idle")
    await set_up(hass, new_toy, contact("Dad", "104"))
    await say(hass, "call dad")
    assert await say(hass, text, language) == answer

    (request,) = toys.latest.requests
    assert toys.latest.hung_up == [request.call_id]


async def test_nothing_to_hang_up(
    hass: HomeAssistant, new_toy: MockConfigEntry
) -> None:
    """Where there is no call, the answer says so."""
    await set_up(hass, new_toy)

    assert await say(hass, "hang up") == "There is no call to hang up."


@pytest.mark.parametrize("toy_features", [()])
async def test_cannot_hang_up(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """Where the PBX cannot end calls, the answer says so."""
    await set_up(hass, new_toy, MUM)
    await say(hass, "call mum")

    assert (await say(hass, "hang up")).startswith("Could not hang up. The PBX Toy")
    assert toys.latest.hung_up == []


async def test_may_not_hang_up(
    hass: HomeAssistant,
    hass_read_only_user: User,
    new_toy: MockConfigEntry,
    toys: Toys,
) -> None:
    """A user who is not allowed to use the action is not allowed to say it."""
    await set_up(hass, new_toy, MUM)
    await say(hass, "call mum")
    context = Context(user_id=hass_read_only_user.id)

    answer = await say(hass, "hang up", context=context)
    assert answer.startswith("Could not hang up. You do not have permission")
    assert toys.latest.hung_up == []


@pytest.mark.parametrize(
    "name", ["(a|b)", "[x] {y}", "St. John's", "...", "a<b>:c", "دکتر رضا", "Ünal-Öz"]
)
async def test_any_name(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys, name: str
) -> None:
    """No name breaks the sentences of the others, and each is found by its own."""
    await set_up(hass, new_toy, MUM, contact(name, "103"))
    await say(hass, f"call {spoken(name)}")
    assert await say(hass, "call mum") == CALLING.format("Mum")

    is_sayable = any(character.isalnum() for character in name)
    called = [callee for _, callee in parties(toys)]
    assert called == (["103"] if is_sayable else []) + ["09121234567"]
