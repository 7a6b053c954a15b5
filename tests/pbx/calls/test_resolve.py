"""Tests of the PBX that an action is about, and of names in place of numbers."""

from contextlib import suppress
from typing import Any

from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from hypothesis import given, settings, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.backends.errors import PbxError, PbxErrorCode
from custom_components.pbx.calls.action_data import (
    validate_action_data,
    validate_number,
)
from custom_components.pbx.calls.escalation_targets import build_escalation
from custom_components.pbx.calls.manager import DATA_MANAGERS, CallManager
from custom_components.pbx.calls.number import InvalidNumberError, parse_number
from custom_components.pbx.calls.request import resolve_request
from custom_components.pbx.calls.resolve import (
    is_contact_name,
    parse_lists,
    resolve_contact,
)
from custom_components.pbx.calls.rules import CallOrigin
from custom_components.pbx.const import DOMAIN
from sandbox import Sandbox

from ..common import ORIGINATE, place_call, set_options
from ..people import contact, device_of, disable, entity_of, phone, rename, set_up
from ..toy import Toys
from .messages import message, raises

GONE = ("0123456789abcdef" * 2, "fedcba9876543210" * 2)

ONE = (contact("Mum", "09121234567"), phone("Kitchen", "102"), contact("Dad", "201"))
TWO = (
    contact("Bob", "09127654321"),
    phone("Workshop", "302"),
    contact("Dad", "301"),
    phone("777", "777"),
)

type Pbxs = tuple[MockConfigEntry, MockConfigEntry]


@pytest.fixture
async def pbxs(hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys) -> Pbxs:  # noqa: ARG001 - makes the kind
    """Return two PBXs, the older one first, each with a contact named Dad."""
    one = await set_up(hass, new_toy, *ONE, title="One")
    two = await set_up(hass, new_toy, *TWO, title="Two")
    return one, two


def called(toys: Toys) -> list[tuple[str, str, str]]:
    """Return the PBX, the caller and the callee of each request."""
    titles = ("One", "Two")
    return [
        (title, request.caller, request.callee)
        for title, toy in zip(titles, toys.made, strict=True)
        for request in toy.requests
    ]


def filled(hass: HomeAssistant, pbxs: Pbxs, data: dict[str, Any]) -> dict[str, Any]:
    """Return action data with ids in place of the words that stand for them."""
    one, two = pbxs
    words = {
        "PBX one": one.entry_id,
        "PBX two": two.entry_id,
        "device of Bob": device_of(hass, two, "Bob"),
        "device of Mum": device_of(hass, one, "Mum"),
        "button of Dad": entity_of(hass, two, "Dad", "call"),
    }

    def fill(value: Any) -> Any:  # noqa: ANN401 - any field of an action
        if isinstance(value, list):
            return [fill(each) for each in value]
        return words.get(value, value) if isinstance(value, str) else value

    return {name: fill(value) for name, value in data.items()}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        # Numbers are of the oldest PBX, even those of contacts of another.
        ({"callee": "200"}, ("One", "101", "200")),
        ({"callee": 200, "caller": 102}, ("One", "102", "200")),
        ({"callee": "09127654321"}, ("One", "101", "09127654321")),
        ({"callee": "777"}, ("One", "101", "777")),
        ({"callee": "200", "config_entry_id": "PBX two"}, ("Two", "101", "200")),
        # The contact that is called decides, then the caller.
        ({"callee": "Mum"}, ("One", "101", "09121234567")),
        ({"callee": " bOB "}, ("Two", "101", "09127654321")),
        ({"callee": "Bob", "caller": "102"}, ("Two", "102", "09127654321")),
        ({"callee": "200", "caller": "Workshop"}, ("Two", "302", "200")),
        ({"callee": "Bob", "caller": "Workshop"}, ("Two", "302", "09127654321")),
        ({"callee": "device of Bob"}, ("Two", "101", "09127654321")),
        ({"callee": "button of Dad"}, ("Two", "101", "301")),
        ({"callee_contact": "device of Bob"}, ("Two", "101", "09127654321")),
        ({"callee_contact": "777"}, ("Two", "101", "777")),
        # Of two with one name, the PBX decides, or the other contact.
        ({"callee": "Dad", "config_entry_id": "PBX one"}, ("One", "101", "201")),
        ({"callee": "Dad", "config_entry_id": "PBX two"}, ("Two", "101", "301")),
        ({"callee": "Dad", "caller": "Workshop"}, ("Two", "302", "301")),
        ({"callee": "Dad", "caller_contact": "Workshop"}, ("Two", "302", "301")),
        ({"callee": "Mum", "caller": "Dad"}, ("One", "201", "09121234567")),
        ({"callee": "Bob", "caller": "Dad"}, ("Two", "301", "09127654321")),
    ],
)
async def test_pbx(
    hass: HomeAssistant,
    toys: Toys,
    pbxs: Pbxs,
    data: dict[str, Any],
    expected: tuple[str, str, str],
) -> None:
    """The PBX is the one named, or that of the contacts, or the oldest."""
    await place_call(hass, **filled(hass, pbxs, data))

    assert called(toys) == [expected]


EVERY_NAME = "777, Bob, Dad, Kitchen, Mum, Workshop"


def placeholders_of(raised: HomeAssistantError) -> dict[str, str]:
    """Return the placeholders of an error, with its names in alphabetical order."""
    known = dict(raised.translation_placeholders or {})
    if "known" in known:
        known["known"] = ", ".join(sorted(known["known"].split(", ")))
    return known


@pytest.mark.parametrize(
    ("data", "key", "placeholders"),
    [
        (
            {"callee": "Dad"},
            "contact_of_several_pbxs",
            {"contact": "Dad", "pbxs": "One, Two"},
        ),
        (
            {"callee": "200", "caller": " dad"},
            "contact_of_several_pbxs",
            {"contact": "dad", "pbxs": "One, Two"},
        ),
        (
            {"callee": "Dad", "caller": "DAD"},
            "contact_of_several_pbxs",
            {"contact": "Dad", "pbxs": "One, Two"},
        ),
        (
            {"callee": "device of Mum", "caller": "workshop"},
            "contacts_of_different_pbxs",
            {
                "callee": "Mum",
                "callee_pbx": "One",
                "caller": "Workshop",
                "caller_pbx": "Two",
            },
        ),
        (
            {"callee": "device of Bob", "config_entry_id": "PBX one"},
            "contact_of_other_pbx",
            {"contact": "Bob", "other": "Two", "pbx": "One"},
        ),
        (
            {"callee": "Mun"},
            "unknown_contact",
            {"contact": "Mun", "known": EVERY_NAME},
        ),
        (
            {"callee": "Bob", "caller": "Mun"},
            "unknown_contact",
            {"contact": "Mun", "known": EVERY_NAME},
        ),
        (
            {"callee": "Mun", "config_entry_id": "PBX one"},
            "unknown_contact",
            {"contact": "Mun", "known": "Dad, Kitchen, Mum"},
        ),
        ({"callee": GONE[0]}, "contact_removed", {"device": "0123…"}),
        (
            {"callee": "Bob", "caller": "102x"},
            "unknown_contact",
            {"contact": "102x", "known": EVERY_NAME},
        ),
    ],
)
async def test_refused(
    hass: HomeAssistant,
    toys: Toys,
    pbxs: Pbxs,
    data: dict[str, Any],
    key: str,
    placeholders: dict[str, str],
) -> None:
    """What does not say which PBX and contact are meant is refused in words."""
    with raises(key) as caught:
        await place_call(hass, **filled(hass, pbxs, data))

    assert placeholders_of(caught.value) == placeholders
    assert "{" not in str(caught.value)
    assert called(toys) == []


@pytest.mark.parametrize("away", ["disabled", "unloaded"])
async def test_default_is_away(
    hass: HomeAssistant, toys: Toys, pbxs: Pbxs, away: str
) -> None:
    """Numbers are not given to another PBX, and the error names it as the way out."""
    one, two = pbxs
    if away == "disabled":
        await hass.config_entries.async_set_disabled_by(
            one.entry_id, ConfigEntryDisabler.USER
        )
    else:
        await hass.config_entries.async_unload(one.entry_id)
    await hass.async_block_till_done()
    for data in ({"callee": "200"}, {"callee": 200, "caller": "102"}):
        with raises("default_pbx_not_loaded") as caught:
            await place_call(hass, **data)
        placeholders = {"pbx": "One", "others": "Two"}
        assert caught.value.translation_placeholders == placeholders
    with raises("pbx_not_loaded"):
        await place_call(hass, callee="Mum")
    assert called(toys) == []

    await place_call(hass, callee="Bob")
    await place_call(hass, callee="200", config_entry_id=two.entry_id)
    assert [callee for _, _, callee in called(toys)] == ["09127654321", "200"]


async def test_only_pbx_is_away(
    hass: HomeAssistant, toy_entry: MockConfigEntry
) -> None:
    """Where there is no other PBX, the error is about the only one."""
    await hass.config_entries.async_unload(toy_entry.entry_id)
    with raises("pbx_not_loaded"):
        await place_call(hass, callee="200", caller="101")
    with raises("no_contacts"):
        await place_call(hass, callee="Mum")


async def test_no_pbx(hass: HomeAssistant, toy_entry: MockConfigEntry) -> None:
    """Without any PBX, numbers and names are refused."""
    await hass.config_entries.async_remove(toy_entry.entry_id)
    for callee in ("200", "Mum"):
        with pytest.raises(ServiceValidationError) as caught:
            await place_call(hass, callee=callee)
        assert "config_entry" in str(caught.value.translation_key)


@pytest.mark.parametrize("what", ["device", "button"])
async def test_all_namesakes_disabled(
    hass: HomeAssistant, pbxs: Pbxs, what: str
) -> None:
    """A PBX that is specified would not help, so the error says what is wrong."""
    for each in pbxs:
        disable(hass, each, "Dad", what)
    await hass.async_block_till_done()

    with raises("contact_disabled") as caught:
        await place_call(hass, callee="Dad")
    assert caught.value.translation_placeholders == {"contact": "Dad"}


@pytest.mark.parametrize("what", ["pbx", "device", "button"])
async def test_disabled_namesake(
    hass: HomeAssistant, toys: Toys, pbxs: Pbxs, what: str
) -> None:
    """Of two with one name, a disabled one does not count."""
    one, _ = pbxs
    if what == "pbx":
        await hass.config_entries.async_set_disabled_by(
            one.entry_id, ConfigEntryDisabler.USER
        )
    else:
        disable(hass, one, "Dad", what)
    await hass.async_block_till_done()
    await place_call(hass, callee="Dad")

    assert called(toys) == [("Two", "101", "301")]


async def test_added_while_another_is_disabled(hass: HomeAssistant, pbxs: Pbxs) -> None:
    """A disabled PBX that was never loaded still knows its contacts."""
    for each in pbxs:
        await hass.config_entries.async_set_disabled_by(
            each.entry_id, ConfigEntryDisabler.USER
        )
    hass.data[DATA_MANAGERS].clear()
    with pytest.raises(HomeAssistantError):
        await place_call(hass, callee="Bob")
    with raises("contact_of_several_pbxs"):
        await place_call(hass, callee="Dad")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"callees": ["200", "Mum", 300]}, ["One", "200", "09121234567", "300"]),
        ({"callees": ["200", "Bob"]}, ["Two", "200", "09127654321"]),
        ({"callees": ["device of Bob", "200"]}, ["Two", "09127654321", "200"]),
        ({"callees": {"contact": "777"}}, ["Two", "777"]),
        ({"callees": ["777"]}, ["One", "777"]),
        # Any other item decides which of two with one name is meant.
        ({"callees": ["Dad", "Bob"]}, ["Two", "301", "09127654321"]),
        ({"callees": ["Mum", "Dad"]}, ["One", "09121234567", "201"]),
        ({"callees": ["Dad"], "caller": "Workshop"}, ["Two", "301"]),
        ({"callees": ["Dad"], "config_entry_id": "PBX two"}, ["Two", "301"]),
        # An unknown contact, or a contact of the other PBX, fails alone.
        ({"callees": ["Stranger", "Bob"]}, ["Two", None, "09127654321"]),
        ({"callees": ["Bob", "Mum"]}, ["Two", "09127654321", None]),
        ({"callees": ["Mum", "Bob"], "caller": "302"}, ["One", "09121234567", None]),
    ],
)
async def test_list(
    hass: HomeAssistant,
    toys: Toys,
    pbxs: Pbxs,
    data: dict[str, Any],
    expected: list[str | None],
) -> None:
    """In lists, the caller decides, then the first item that is of one PBX only."""
    for toy in toys.made:
        toy.error = PbxError(PbxErrorCode.REFUSED)
    response: Any = await hass.services.async_call(
        DOMAIN,
        "escalate",
        filled(hass, pbxs, data),
        blocking=True,
        return_response=True,
    )

    pbx, *numbers = expected
    assert [each["number"] for each in response["attempts"]] == numbers
    assert {title for title, _, _ in called(toys)} == {pbx}
    faults = [each["error"] for each in response["attempts"] if each["number"] is None]
    assert all("belongs to" in each or "no contact named" in each for each in faults)


@pytest.mark.parametrize(
    ("data", "key", "placeholders"),
    [
        (
            {"callees": ["200", "Dad"]},
            "contact_of_several_pbxs",
            {"contact": "Dad", "pbxs": "One, Two"},
        ),
        (
            {"callees": ["Dad"], "caller": "Stranger"},
            "unknown_contact",
            {"contact": "Stranger", "known": EVERY_NAME},
        ),
        (
            {"callees": ["Bob"], "caller": "Kitchen"},
            "contact_of_other_pbx",
            {"contact": "Bob", "other": "Two", "pbx": "One"},
        ),
    ],
)
@pytest.mark.usefixtures("pbxs")
async def test_list_refused(
    hass: HomeAssistant,
    toys: Toys,
    data: dict[str, Any],
    key: str,
    placeholders: dict[str, str],
) -> None:
    """A list is refused as a whole only if no item of it can be called."""
    with raises(key) as caught:
        await hass.services.async_call(DOMAIN, "escalate", data, blocking=True)

    assert placeholders_of(caught.value) == placeholders
    assert called(toys) == []


@pytest.mark.usefixtures("pbxs")
async def test_callers(hass: HomeAssistant, toys: Toys) -> None:
    """The callee decides on the PBX of a list of callers."""
    toys.latest.error = PbxError(PbxErrorCode.REFUSED)
    data = {"callers": ["Kitchen", "102", "Dad"], "callee": "Bob"}
    await hass.services.async_call(DOMAIN, "escalate", data, blocking=True)

    assert called(toys) == [
        ("Two", "102", "09127654321"),
        ("Two", "301", "09127654321"),
    ]


@pytest.mark.usefixtures("pbxs")
async def test_all_removed(hass: HomeAssistant, toys: Toys) -> None:
    """If no item of a list exists in any PBX, the error has all reasons."""
    with raises("nobody_to_ring") as caught:
        await hass.services.async_call(
            DOMAIN, "escalate", {"callees": [*GONE, "Stranger"]}, blocking=True
        )

    reasons = (caught.value.translation_placeholders or {})["reasons"].split("; ")
    assert reasons[:2] == [
        message("contact_removed", device="0123…"),
        message("contact_removed", device="fedc…"),
    ]
    assert reasons[2].startswith("There is no contact named Stranger")
    assert called(toys) == []


async def test_sandboxes(
    hass: HomeAssistant, entry: MockConfigEntry, sandbox: Sandbox
) -> None:
    """The request has the defaults of the PBX that the contact decides on."""
    await set_up(hass, entry, *ONE, title="One", timeout=20)
    await set_up(hass, entry, *TWO, title="Two", timeout=40)
    for callee in ("Mum", "Bob", "200"):
        await place_call(hass, callee=callee)

    bodies: list[Any] = [
        each.json for each in sandbox.requests if each.path == ORIGINATE
    ]
    assert [(each["timeout"], each["callee"]) for each in bodies] == [
        ("20", "09121234567"),
        ("40", "09127654321"),
        ("20", "200"),
    ]


async def test_ambiguous_in_one_pbx(
    hass: HomeAssistant, toys: Toys, new_toy: MockConfigEntry
) -> None:
    """Two contacts of one PBX with the same name are refused."""
    made = await set_up(hass, new_toy, contact("Mum", "1"), contact("Ann", "2"))
    rename(hass, made, "Ann", "Mum")
    with raises("ambiguous_contact") as caught:
        await place_call(hass, callee="mum")

    assert caught.value.translation_placeholders == {"contact": "mum", "pbx": "Toy"}
    assert toys.latest.requests == []


async def test_names_are_not_resolved_at_load(
    hass: HomeAssistant, toys: Toys, new_toy: MockConfigEntry
) -> None:
    """A PBX loads with a default caller that does not exist, and fails when used."""
    mum = contact("Mum", "09121234567", caller="Hall")
    made = await set_up(
        hass, new_toy, mum, phone("Kitchen", "102"), caller="Kitchem", title="Toy"
    )
    with raises("unknown_default_caller") as caught:
        await place_call(hass, callee="200")
    assert str(caught.value) == message(
        "unknown_default_caller", pbx="Toy", caller="Kitchem", known="Kitchen, Mum"
    )
    with raises("unknown_own_caller") as caught:
        await place_call(hass, callee="Mum")
    assert str(caught.value) == message(
        "unknown_own_caller", callee="Mum", caller="Hall", known="Kitchen, Mum"
    )
    await place_call(hass, callee="Mum", caller="102")
    await place_call(hass, callee="200", caller="Kitchen")

    for request in toys.latest.requests:
        toys.latest.end(originated_call_id=request.call_id)
    rename(hass, made, "Kitchen", "Hall")
    await place_call(hass, callee="Mum")
    await set_options(hass, made, caller="hall")
    await place_call(hass, callee="200")
    assert [each.caller for each in toys.latest.requests] == ["102"] * 4


async def test_no_contact_left(hass: HomeAssistant, new_toy: MockConfigEntry) -> None:
    """A default caller of which no contact is left is named, and nothing else."""
    await set_up(hass, new_toy, caller="Kitchen")
    with raises("unknown_default_caller") as caught:
        await place_call(hass, callee="200")
    assert (caught.value.translation_placeholders or {})["known"] == "-"


@pytest.mark.parametrize("how", ["renamed", "removed", "disabled"])
async def test_caller_changes_later(
    hass: HomeAssistant, toys: Toys, new_toy: MockConfigEntry, how: str
) -> None:
    """The caller of a contact is looked up for each call."""
    mum = contact("Mum", "09121234567", caller="Kitchen")
    made = await set_up(hass, new_toy, mum, phone("Kitchen", "102"))
    await place_call(hass, callee="Mum")
    kitchen = next(each for each in made.subentries.values() if each.title == "Kitchen")
    if how == "renamed":
        hass.config_entries.async_update_subentry(made, kitchen, title="Hall")
    elif how == "removed":
        hass.config_entries.async_remove_subentry(made, kitchen.subentry_id)
    else:
        disable(hass, made, "Kitchen", "device")
    await hass.async_block_till_done()
    key = "contact_disabled" if how == "disabled" else "unknown_own_caller"
    with raises(key):
        await place_call(hass, callee="Mum")

    assert [each.caller for each in toys.latest.requests] == ["102"]


async def test_default_caller_in_lists(
    hass: HomeAssistant, toys: Toys, new_toy: MockConfigEntry
) -> None:
    """Each callee of a list is called from its own caller, or from the default."""
    mum = contact("Mum", "09121234567", caller="Kitchen")
    guard = contact("Guard", "0215555", trunk_name="line", caller_id="2188")
    lost = contact("Lost", "300", caller="Stranger")
    made = await set_up(
        hass, new_toy, mum, guard, lost, phone("Kitchen", "102"), caller="Guard"
    )
    toys.latest.error = PbxError(PbxErrorCode.REFUSED)
    response: Any = await hass.services.async_call(
        DOMAIN,
        "escalate",
        {"callees": ["Mum", "200", "Lost"]},
        blocking=True,
        return_response=True,
    )

    requests = toys.latest.requests
    assert [
        (each.caller, each.callee, each.caller_id, each.trunk_name) for each in requests
    ] == [
        ("102", "09121234567", "102", None),
        ("0215555", "200", "2188", "line"),
    ]
    assert response["attempts"][2]["error"].startswith("Calls to Lost ring Stranger")
    # A list of callers takes the place of the default.
    requests.clear()
    await set_options(hass, made, caller="Stranger")
    await hass.services.async_call(
        DOMAIN, "escalate", {"callers": ["Kitchen"], "callee": "200"}, blocking=True
    )
    assert [(each.caller, each.callee) for each in requests] == [("102", "200")]


# --- any value ------------------------------------------------------------------

MARKS = "\u200e\u200f\u202a\u202b\u202c\u2066\u2067\u2068\u2069\u200c\u061c"
DIGITS = "0123456789۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩"
NAMES = ("Mum", "مامان", "خط ۲", "Кухня", "家", GONE[0], "button.mum")
ANY_VALUE: st.SearchStrategy[object] = (
    st.sampled_from(NAMES)
    | st.text(MARKS + DIGITS + " -+()", max_size=20)
    | st.text("ابپتمنMumكي٤۵ " + MARKS, max_size=12)
    | st.text(max_size=12)
    | st.integers()
    | st.floats()
    | st.booleans()
    | st.none()
    | st.just({})
)


def is_number(value: object) -> bool:
    """Return whether a value reads as a number."""
    try:
        parse_number(str(validate_number("callee", value)))
    except InvalidNumberError, ServiceValidationError:
        return False
    return True


@given(ANY_VALUE)
def test_number_or_name(value: object) -> None:
    """A value is a number or a name, never both; what is no text is no name."""
    is_name = is_contact_name(value)
    assert not (is_name and is_number(value))
    assert not is_name or isinstance(value, str)


async def test_any_value(hass: HomeAssistant, new_toy: MockConfigEntry) -> None:
    """Any mixture gives a call or an error in words, for each value by itself."""
    people = (contact("Mum", "1"), contact("مامان", "2"), contact("خط 2", "3"))
    made = await set_up(hass, new_toy, *people)
    manager: CallManager = hass.data[DATA_MANAGERS][made.entry_id]

    @settings(deadline=None, max_examples=50)
    @given(values=st.lists(ANY_VALUE, min_size=1, max_size=6), callee=ANY_VALUE)
    def check(values: list[object], callee: object) -> None:
        data = parse_lists(hass, validate_action_data({"callees": values}))
        targets = build_escalation(manager, data, CallOrigin()).targets
        assert len(targets) == len(data["callees"]) >= len(values)
        for item, target in zip(data["callees"], targets, strict=True):
            value = item.reference
            assert (target.request is None) is (target.fault is not None)
            if target.request is not None:
                assert target.request.callee == target.number
                assert is_contact_name(value) or is_number(value)
                owner = manager.book.with_number(target.request.callee)
                assert target.name == (owner.name if owner else None)
        with suppress(ServiceValidationError):
            resolve_request(manager, validate_action_data({"callee": callee}))

    check()


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("Mum", "MUM"),
        ("مامان", "\u200fمامان\u200e"),
        ("خط ۲", "خط 2"),
        ("Line 2", "line  ٢"),
        ("علي", "علی"),
        ("پدر\u200cبزرگ", "پدربزرگ"),
        ("Straße", "STRASSE"),
        ("Café", "Cafe\u0301"),
        ("Ｋitchen", "kitchen"),
        ("(Mum)", "Mum"),
        ("Mum (work)", "(mum (work))"),
    ],
)
async def test_spellings(
    hass: HomeAssistant, new_toy: MockConfigEntry, name: str, reference: str
) -> None:
    """Case, direction marks, joiners, and keyboards make no difference."""
    made = await set_up(hass, new_toy, contact(name, "1"), contact("Other", "2"))
    manager = hass.data[DATA_MANAGERS][made.entry_id]

    assert resolve_contact(manager, reference).number == "1"
    assert resolve_contact(manager, name).number == "1"


@pytest.mark.parametrize("name", ["(Mum)", "Mum (work)", "(Work) Mum (2)"])
async def test_parentheses(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys, name: str
) -> None:
    """A name may have parentheses, and a template may put it into others."""
    await set_up(hass, new_toy, contact(name, "201"), contact("Other", "202"))
    for caller, callee in (("101", name), ("102", f"({name})")):
        await place_call(hass, caller=caller, callee=callee)

    assert [request.callee for request in toys.latest.requests] == ["201", "201"]
