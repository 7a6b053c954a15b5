"""Tests of the pages that import extensions into the phone book."""

from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.selector import SelectSelector
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.backends.base import DirectoryExtension
from custom_components.pbx.calls.contacts import PhoneBook
from custom_components.pbx.calls.manager import DATA_MANAGERS
from custom_components.pbx.calls.number_plan import NumberPlan
from custom_components.pbx.const import (
    CONF_CONTEXT,
    CONF_INTERNAL_DIGITS,
    CONF_TIMEOUT,
    DOMAIN,
)
from custom_components.pbx.flows.import_extensions import (
    CONF_EXTENSIONS,
    MAX_SELECTED,
    imported_contacts,
)
from sandbox import Phone, Sandbox

from ..common import PING, TRUNKS, change_account, pings, sentences
from ..dialog import Dialog, open_options, open_user
from ..people import contact, set_up

DEFAULTS = {CONF_CONTEXT: "main_routing", CONF_TIMEOUT: 30, CONF_INTERNAL_DIGITS: 5}
PLAN = NumberPlan(region=None, internal_digits=5)


def have_phones(sandbox: Sandbox, count: int) -> list[str]:
    """Give the PBX this many extensions, and return their numbers."""
    numbers = [str(101 + index) for index in range(count)]
    phones = tuple(Phone(number=number, name=f"Room {number}") for number in numbers)
    sandbox.configure(phones=phones)
    return numbers


async def open_import(hass: HomeAssistant, entry_data: dict[str, Any]) -> Dialog:
    """Add a PBX, up to the page after the call defaults."""
    dialog = await open_user(hass, "simotel")
    await dialog.submit({k: v for k, v in entry_data.items() if k != "kind"})
    await dialog.submit(DEFAULTS)
    return dialog


async def open_page(hass: HomeAssistant, entry: MockConfigEntry) -> Dialog:
    """Open the page of the options."""
    dialog = await open_options(hass, entry)
    await dialog.submit({"next_step_id": "import_extensions"})
    return dialog


def choices(dialog: Dialog) -> list[str]:
    """Return the lines of the tick list."""
    selector = dialog.fields[CONF_EXTENSIONS]
    assert isinstance(selector, SelectSelector)
    assert selector.config["mode"] == "list"
    assert selector.config["multiple"]
    return [option["label"] for option in selector.config["options"]]  # type: ignore[index]


def phone_book(entry: Any) -> list[tuple[str, str, bool]]:  # noqa: ANN401 - a config entry
    """Return name, number and kind of each contact."""
    return [
        (each.title, each.data["number"], each.data["is_extension"])
        for each in entry.subentries.values()
    ]


# --- When a PBX is added ---


async def test_all(
    hass: HomeAssistant, sandbox: Sandbox, entry_data: dict[str, Any]
) -> None:
    """Up to twenty extensions are offered with their names, and all are ticked."""
    numbers = have_phones(sandbox, MAX_SELECTED)
    dialog = await open_import(hass, entry_data)
    dialog.expect_form("import_extensions")
    assert choices(dialog)[0] == "101 Room 101"
    assert dialog.defaults == {CONF_EXTENSIONS: numbers}
    assert not any("20" in text for text in await dialog.step_texts())
    before = pings(sandbox)
    await dialog.submit(dialog.defaults)

    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY
    entry = dialog.result["result"]
    assert phone_book(entry) == [(f"Room {each}", each, True) for each in numbers]
    assert entry.state is ConfigEntryState.LOADED
    assert len(hass.states.async_entity_ids("button")) == MAX_SELECTED
    # The entry was set up once.
    assert pings(sandbox) == before + 1
    # There are contacts: no form of a contact follows.
    assert "next_flow" not in dialog.result


async def test_many(
    hass: HomeAssistant, sandbox: Sandbox, entry_data: dict[str, Any]
) -> None:
    """Of more extensions, none is ticked, and a line says why."""
    numbers = have_phones(sandbox, MAX_SELECTED + 1)
    dialog = await open_import(hass, entry_data)
    dialog.expect_form("select_extensions")
    assert len(choices(dialog)) == len(numbers)
    assert dialog.defaults == {CONF_EXTENSIONS: []}
    assert any("more than 20" in text for text in await dialog.step_texts())
    await dialog.submit({CONF_EXTENSIONS: ["103"]})

    assert phone_book(dialog.result["result"]) == [("Room 103", "103", True)]


async def test_none(
    hass: HomeAssistant, sandbox: Sandbox, entry_data: dict[str, Any]
) -> None:
    """Without contacts, the form of a contact follows, which can be closed."""
    have_phones(sandbox, 2)
    dialog = await open_import(hass, entry_data)
    await dialog.submit({CONF_EXTENSIONS: []})

    assert dialog.result["result"].subentries == {}
    _, flow_id = dialog.result["next_flow"]
    flow = hass.config_entries.subentries.async_get(flow_id)
    assert (flow["handler"][1], flow["step_id"]) == ("contact", "user")
    texts = await sentences(hass, "config_subentries")
    assert "close this dialog" in texts["contact.step.user.description"]


def forbid(sandbox: Sandbox) -> None:
    """Let the account only ping and read the trunks."""
    change_account(sandbox, permissions=(PING, TRUNKS))


def have_none(sandbox: Sandbox) -> None:
    """Have no extensions."""
    sandbox.configure(phones=())


@pytest.mark.parametrize("cause", [forbid, have_none])
async def test_nothing_to_read(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry_data: dict[str, Any],
    cause: Any,  # noqa: ANN401 - a function
) -> None:
    """Where the PBX lists no extensions, the page is skipped."""
    cause(sandbox)
    dialog = await open_import(hass, entry_data)

    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY
    assert dialog.result["result"].subentries == {}


# --- In the options ---


async def test_missing(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry
) -> None:
    """Only extensions that are not in the phone book are offered."""
    have_phones(sandbox, 3)
    entry = await set_up(hass, entry, contact("Kitchen", "101"), contact("Other", "9"))
    options = dict(entry.options)
    dialog = await open_page(hass, entry)
    dialog.expect_form("import_extensions")
    assert choices(dialog) == ["102 Room 102", "103 Room 103"]
    await dialog.submit({CONF_EXTENSIONS: ["103"]})

    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options == options
    book = PhoneBook(hass, entry, None)
    assert [each.name for each in book.contacts] == ["Kitchen", "Other", "Room 103"]

    dialog = await open_page(hass, entry)
    assert choices(dialog) == ["102 Room 102"]
    await dialog.submit({CONF_EXTENSIONS: ["102"]})
    dialog = await open_page(hass, entry)
    dialog.expect_abort("all_imported")
    assert (await sentences(hass, "options"))["abort.all_imported"]


async def test_many_missing(
    hass: HomeAssistant, sandbox: Sandbox, loaded_entry: MockConfigEntry
) -> None:
    """Of more than twenty that are missing, none is ticked, in the options, too."""
    have_phones(sandbox, MAX_SELECTED + 2)
    dialog = await open_page(hass, loaded_entry)
    dialog.expect_form("select_extensions")
    assert dialog.defaults == {CONF_EXTENSIONS: []}
    assert any("more than 20" in text for text in await dialog.step_texts())
    await dialog.submit({CONF_EXTENSIONS: ["101", "102"]})
    assert len(loaded_entry.subentries) == 2

    dialog = await open_page(hass, loaded_entry)
    dialog.expect_form("import_extensions")


@pytest.mark.parametrize("cause", [forbid, have_none])
async def test_nothing_to_read_in_options(
    hass: HomeAssistant,
    sandbox: Sandbox,
    loaded_entry: MockConfigEntry,
    cause: Any,  # noqa: ANN401 - a function
) -> None:
    """Where the PBX lists no extensions, the page says so."""
    cause(sandbox)
    dialog = await open_page(hass, loaded_entry)

    dialog.expect_abort("no_directory")
    assert (await sentences(hass, "options"))["abort.no_directory"]


async def test_no_reload(
    hass: HomeAssistant, sandbox: Sandbox, loaded_entry: MockConfigEntry
) -> None:
    """An import of twenty does not set up the PBX again."""
    numbers = have_phones(sandbox, MAX_SELECTED)
    backend = hass.data[DATA_MANAGERS][loaded_entry.entry_id].link.backend
    states: list[ConfigEntryState] = []
    loaded_entry.async_on_state_change(lambda: states.append(loaded_entry.state))
    before = pings(sandbox)
    dialog = await open_page(hass, loaded_entry)
    await dialog.submit({CONF_EXTENSIONS: numbers})

    assert len(hass.states.async_entity_ids("button")) == MAX_SELECTED
    assert states == []
    assert pings(sandbox) == before
    assert hass.data[DATA_MANAGERS][loaded_entry.entry_id].link.backend is backend
    assert hass.config_entries.async_entries(DOMAIN) == [loaded_entry]


# --- The contacts ---


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("Kitchen", "Kitchen"),
        # Not usable as a name.
        ("", "101"),
        ("a\nb", "101"),
        # The number of someone else, and the own number.
        ("102", "101"),
        ("101", "101"),
        # Taken by another contact, in any case.
        ("mum", "101"),
    ],
)
def test_names(name: str, title: str) -> None:
    """An extension without a usable name is called by its number."""
    (made,) = imported_contacts(
        [DirectoryExtension("101", name)], ["101"], PLAN, ["Mum"]
    )

    assert made["title"] == title
    assert made["unique_id"] == "contact_101"
    assert made["data"] == {
        "number": "101",
        "aliases": [],
        "voice": True,
        "is_extension": True,
    }


def test_same_name() -> None:
    """Of two extensions with one name, only one has it."""
    twins = [DirectoryExtension("101", "Hall"), DirectoryExtension("102", "hall")]

    made = imported_contacts(twins, ["101", "102"], PLAN)
    assert [each["title"] for each in made] == ["Hall", "102"]
