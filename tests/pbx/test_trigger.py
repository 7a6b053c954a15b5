"""Tests of the triggers in real automations."""

from dataclasses import replace
from types import MappingProxyType
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import config_validation as cv, issue_registry as ir
from homeassistant.helpers.trigger import (
    async_get_all_descriptions,
    async_initialize_triggers,
    async_validate_trigger_config,
)
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from custom_components.pbx.backends.updates import (
    CallResult,
    CallState,
    CallUpdate,
    Direction,
    ExtensionState,
    ExtensionUpdate,
)
from custom_components.pbx.trigger import (
    MAX_MISSED_AGE,
    CallConnectedTrigger,
    CallEndedTrigger,
    IncomingCallTrigger,
    MissedCallTrigger,
    PhoneRingsTrigger,
    async_get_triggers,
)

from .common import pass_time, set_options, settle
from .people import contact, device_of, known, phone, set_up
from .reporting import (
    add_other_pbx,
    automate,
    begin_call,
    end_call,
    observe,
    ring_in,
)
from .toy import ToyBackend, Toys

MUM = "09121234567"
PEOPLE = [
    contact("Mum", MUM, person="person.mum"),
    contact("Dad", "09127654321"),
    phone("Kitchen", "101"),
    phone("Office", "102"),
]


def ended(**options: object) -> dict[str, Any]:
    """Return the trigger for the end of a call."""
    return {"trigger": "pbx.call_ended", "options": options}


def incoming(**options: object) -> dict[str, Any]:
    """Return the trigger for an incoming call."""
    return {"trigger": "pbx.incoming_call", "options": options}


async def ring_up(
    hass: HomeAssistant,
    toy: ToyBackend,
    caller: str = "",
    *,
    direction: Direction = Direction.INCOMING,
    state: CallState = CallState.PLACED,
    trunk: str = "",
) -> None:
    """Report a call that Home Assistant did not place."""
    toy.sink.call(
        CallUpdate(
            state=state,
            call_id=f"{direction}-{caller}",
            direction=direction,
            caller=caller,
            callee="101",
            trunk=trunk,
            result=CallResult.ANSWERED if state is CallState.ENDED else None,
        )
    )
    await settle(hass)


@pytest.mark.usefixtures("toy_entry")
async def test_described(hass: HomeAssistant) -> None:
    """The triggers and all their options have descriptions."""
    descriptions = await async_get_all_descriptions(hass)
    kinds = await async_get_triggers(hass)

    assert {each for each in descriptions if each.startswith("pbx.")} == {
        f"pbx.{name}" for name in kinds
    }
    for name, kind in kinds.items():
        description = descriptions[f"pbx.{name}"]
        assert description is not None
        options = kind._schema.schema["options"]  # type: ignore[attr-defined]  # noqa: SLF001 - what it takes
        assert set(description["fields"]) == {str(option) for option in options}
        pickers = description["fields"]["contact"]["selector"]["device"]["filter"]
        models = {each["model"] for each in pickers}
        only_phones = kind is PhoneRingsTrigger
        assert models == {"Extension"} | ({"Contact"} if not only_phones else set())
    results = descriptions["pbx.call_ended"]["fields"]["result"]  # type: ignore[index]
    assert results["selector"]["select"]["options"] == list(CallResult)


async def test_call_ended(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """Only the end of a call triggers, with all variables."""
    reports = await automate(
        hass,
        {"trigger": "pbx.call_ended", "id": "mine"},
        "id",
        "config_entry_id",
        "caller",
        "callee",
        "originated_call_id",
        "result",
        "caller_answered",
        "ring_time",
        "talk_time",
        "cause",
        "description",
    )

    call_id = await begin_call(hass, toy_entry)
    await observe(hass, toy, call_id, CallState.CONNECTED)
    assert reports == []
    await end_call(hass, toy, call_id, ring_time=4.0)

    (report,) = reports
    assert report.data == {
        "id": "mine",
        "config_entry_id": toy_entry.entry_id,
        # A template in an automation makes numbers of what looks like one.
        "caller": 101,
        "callee": 200,
        "originated_call_id": call_id,
        "result": "answered",
        "caller_answered": True,
        "ring_time": 4.0,
        "talk_time": None,
        "cause": None,
        "description": "end of a call: answered",
    }


async def test_end_of_others(
    hass: HomeAssistant,
    toy: ToyBackend,
) -> None:
    """The end of a call that Home Assistant did not place does not trigger."""
    reports = await automate(hass, ended())

    for state in (CallState.PLACED, CallState.CONNECTED, CallState.ENDED):
        await ring_up(hass, toy, "09121234567", state=state)

    assert reports == []


@pytest.mark.parametrize("result", CallResult)
@pytest.mark.parametrize(
    ("wanted", "fitting"),
    [
        ("no_answer", {"no_answer"}),
        (["no_answer", "busy"], {"no_answer", "busy"}),
        ([], set(CallResult)),
    ],
)
async def test_result(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    wanted: str | list[str],
    fitting: set[str],
    result: CallResult,
) -> None:
    """Only the configured results trigger."""
    reports = await automate(hass, ended(result=wanted), "result")

    await end_call(hass, toy, await begin_call(hass, toy_entry), result)

    expected = [result.value] if result in fitting else []
    assert [report.data["result"] for report in reports] == expected


async def test_ended_of_one_pbx(
    hass: HomeAssistant, toys: Toys, toy_entry: MockConfigEntry
) -> None:
    """Two PBXs are distinguished."""
    other = await add_other_pbx(hass, toy_entry)
    reports = await automate(
        hass, ended(config_entry_id=other.entry_id), "config_entry_id"
    )

    for entry, toy in zip((toy_entry, other), toys.made, strict=True):
        await end_call(hass, toy, await begin_call(hass, entry))

    assert [report.data["config_entry_id"] for report in reports] == [other.entry_id]


async def test_ended_of_all_pbxs(
    hass: HomeAssistant, toys: Toys, toy_entry: MockConfigEntry
) -> None:
    """Without a PBX, all PBXs trigger."""
    other = await add_other_pbx(hass, toy_entry)
    reports = await automate(hass, ended(), "config_entry_id")

    for entry, toy in zip((toy_entry, other), toys.made, strict=True):
        await end_call(hass, toy, await begin_call(hass, entry))

    assert [report.data["config_entry_id"] for report in reports] == [
        toy_entry.entry_id,
        other.entry_id,
    ]


async def test_incoming_call(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """Only an incoming call triggers, with all variables."""
    reports = await automate(
        hass,
        incoming(),
        "config_entry_id",
        "number",
        "trunk",
        "unique_id",
        "originated_call_id",
        "description",
    )

    await begin_call(hass, toy_entry)
    for direction in Direction:
        for state in (CallState.PLACED, CallState.CONNECTED, CallState.ENDED):
            await ring_up(
                hass,
                toy,
                "anna",
                direction=direction,
                state=state,
                trunk="main",
            )

    assert [report.data for report in reports] == [
        {
            "config_entry_id": toy_entry.entry_id,
            "number": "anna",
            "trunk": "main",
            "unique_id": "incoming-anna",
            "originated_call_id": None,
            "description": "incoming call",
        }
    ]


@pytest.mark.parametrize(
    ("wanted", "number", "fits"),
    [
        ("09121234567", "09121234567", True),
        ("0912 123-4567", "09121234567", True),
        ("۰۹۱۲۱۲۳۴۵۶۷", "09121234567", True),
        ("+989121234567", "00989121234567", True),
        ("09121234567", "+989121234567", True),
        (["200", "09121234567"], "09121234567", True),
        # A number that has lost its zero is another one.
        ("09121234567", "9121234567", False),
        ("0200", "200", False),
        (200.0, "200", True),
        (200, "200", True),
        ([200, 201], "201", True),
        ([], "201", True),
        ("200", "2000", False),
        (["200", "201"], "202", False),
        ("200", "anonymous", False),
    ],
)
async def test_number(
    hass: HomeAssistant,
    toy: ToyBackend,
    wanted: object,
    number: str,
    fits: bool,
) -> None:
    """Numbers match in any notation; other numbers do not."""
    hass.config.country = "IR"
    reports = await automate(hass, incoming(number=wanted))

    await ring_up(hass, toy, number)

    assert len(reports) == fits


async def test_withheld(
    hass: HomeAssistant,
    toy: ToyBackend,
) -> None:
    """A call without a number triggers if no number is configured."""
    reports = await automate(hass, incoming(), "number")

    await ring_up(hass, toy)

    assert [report.data for report in reports] == [{"number": None}]


async def test_withheld_is_no_number(
    hass: HomeAssistant,
    toy: ToyBackend,
) -> None:
    """A call without a number does not match a configured number."""
    reports = await automate(hass, incoming(number="0"))

    await ring_up(hass, toy)

    assert reports == []


async def test_incoming_of_one_pbx(
    hass: HomeAssistant, toys: Toys, toy_entry: MockConfigEntry
) -> None:
    """Two PBXs are distinguished."""
    other = await add_other_pbx(hass, toy_entry)
    reports = await automate(
        hass, incoming(config_entry_id=other.entry_id), "config_entry_id"
    )

    for toy in toys.made:
        await ring_up(hass, toy, "0912")

    assert [report.data["config_entry_id"] for report in reports] == [other.entry_id]


@pytest.mark.parametrize("trigger", [CallEndedTrigger, IncomingCallTrigger])
@pytest.mark.parametrize(
    "options",
    [
        {"config_entry_id": "nobody"},
        {"config_entry_id": None},
        {"colour": "red"},
        {"result": "abducted"},
        {"result": ["answered", ""]},
        {"number": ""},
        {"number": "unavailable"},
        {"number": "+98+912*"},
        {"number": "9121234567.0"},
        {"number": [True]},
        {"number": 20.5},
        {"number": "1" * 33},
        {"contact": 101},
        {"contact": [""]},
        {"direction": "up"},
        {"cause": 17},
    ],
)
async def test_invalid(
    hass: HomeAssistant,
    trigger: type[CallEndedTrigger | IncomingCallTrigger],
    options: dict[str, object],
) -> None:
    """Invalid options are refused when the automation is saved."""
    with pytest.raises(vol.Invalid):
        await trigger.async_validate_config(hass, {"options": options})


async def test_unquoted(hass: HomeAssistant, toy_entry: MockConfigEntry) -> None:
    """An integer that is longer than an extension of the PBX is refused."""
    other = await add_other_pbx(hass, toy_entry)
    await set_options(hass, other, internal_digits=6)

    async def validate(**options: object) -> object:
        config = {"options": options}
        checked = await IncomingCallTrigger.async_validate_config(hass, config)
        return checked["options"]["number"]

    with pytest.raises(vol.Invalid, match="in quotes"):
        await validate(number=4917012345678)
    with pytest.raises(vol.Invalid, match="in quotes"):
        await validate(number=["200", 123456], config_entry_id=toy_entry.entry_id)
    assert await validate(number=123456) == ["123456"]
    assert await validate(number=[1, "+49 (0)30 1"]) == ["1", "+49301"]


@pytest.mark.usefixtures("toy_entry")
async def test_entry_of_another_integration(hass: HomeAssistant) -> None:
    """An entry of another integration is refused."""
    other = MockConfigEntry(domain="sun")
    other.add_to_hass(hass)

    with pytest.raises(vol.Invalid, match="not the id of a PBX"):
        await CallEndedTrigger.async_validate_config(
            hass, {"options": {"config_entry_id": other.entry_id}}
        )


async def test_over_a_reload(
    hass: HomeAssistant, toys: Toys, toy_entry: MockConfigEntry
) -> None:
    """A trigger survives a reload of its PBX."""
    reports = await automate(hass, ended(config_entry_id=toy_entry.entry_id), "result")
    call_id = await begin_call(hass, toy_entry)

    assert await hass.config_entries.async_reload(toy_entry.entry_id)
    await end_call(hass, toys.latest, call_id)

    assert [report.data for report in reports] == [{"result": "answered"}]


async def test_before_the_pbx(
    hass: HomeAssistant, toys: Toys, toy_entry: MockConfigEntry
) -> None:
    """A trigger can be set up before its PBX."""
    await hass.config_entries.async_unload(toy_entry.entry_id)
    reports = await automate(hass, ended(config_entry_id=toy_entry.entry_id), "result")

    assert await hass.config_entries.async_setup(toy_entry.entry_id)
    await end_call(hass, toys.latest, await begin_call(hass, toy_entry))

    assert [report.data for report in reports] == [{"result": "answered"}]


def test_options() -> None:
    """Each trigger has the options that its calls differ by."""
    common = {"config_entry_id", "contact", "number"}
    options = {
        kind: {str(each) for each in kind._schema.schema["options"]} - common  # noqa: SLF001 - what it takes
        for kind in (
            CallConnectedTrigger,
            CallEndedTrigger,
            IncomingCallTrigger,
            MissedCallTrigger,
            PhoneRingsTrigger,
        )
    }

    assert options == {
        CallConnectedTrigger: {"direction"},
        CallEndedTrigger: {"direction", "result", "cause"},
        IncomingCallTrigger: set(),
        MissedCallTrigger: {"cause"},
        PhoneRingsTrigger: {"direction"},
    }


@pytest.mark.parametrize("trigger", [ended(), incoming()])
async def test_turned_off(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    trigger: dict[str, Any],
) -> None:
    """A trigger stops when its automation is turned off."""
    reports = await automate(hass, trigger)
    await hass.services.async_call(
        "automation", "turn_off", {"entity_id": "automation.test"}, blocking=True
    )

    await ring_up(hass, toy, "0912")
    await end_call(hass, toy, await begin_call(hass, toy_entry))

    assert reports == []


# --- Contacts ---


@pytest.fixture
async def house(hass: HomeAssistant, toy_entry: MockConfigEntry) -> MockConfigEntry:
    """Return a PBX with contacts and extensions."""
    hass.config.country = "IR"
    await hass.config_entries.async_unload(toy_entry.entry_id)
    return await set_up(hass, toy_entry, *PEOPLE)


def missed(**options: object) -> dict[str, Any]:
    """Return the trigger for a missed call."""
    return {"trigger": "pbx.missed_call", "options": options}


async def miss(
    hass: HomeAssistant,
    toy: ToyBackend,
    freezer: FrozenDateTimeFactory,
    result: CallResult = CallResult.NO_ANSWER,
    **facts: Any,  # noqa: ANN401 - any field of an update
) -> None:
    """Report an incoming call that ends, and wait for its last update."""
    await ring_in(hass, toy, MUM)
    facts |= {"call_id": "1.2", "result": result}
    toy.sink.call(CallUpdate(state=CallState.ENDED, **facts))
    await pass_time(hass, freezer, 3)


WHO = [
    "number",
    "name",
    "contact",
    "person",
    "caller",
    "callee",
    "caller_contact",
    "callee_contact",
    "anonymous",
]


@pytest.mark.parametrize(
    ("caller", "name", "person"),
    [(MUM, "Mum", "person.mum"), ("00989127654321", "Dad", None)],
)
async def test_people(
    hass: HomeAssistant,
    toys: Toys,
    house: MockConfigEntry,
    caller: str,
    name: str,
    person: str | None,
) -> None:
    """A trigger reports who calls, by the phone book."""
    reports = await automate(hass, incoming(), *WHO)

    await ring_in(hass, toys.latest, caller)

    assert reports[0].data == {
        "number": caller,
        "name": name,
        "contact": device_of(hass, house, name),
        "person": person,
        "caller": caller,
        "callee": 101,
        "caller_contact": name,
        "callee_contact": "Kitchen",
        "anonymous": False,
    }


@pytest.mark.usefixtures("house")
async def test_anonymous(hass: HomeAssistant, toys: Toys) -> None:
    """A withheld number is nobody's."""
    reports = await automate(hass, incoming(), *WHO)

    await ring_in(hass, toys.latest, "")

    named = {name: value for name, value in reports[0].data.items() if value}
    assert named == {"callee": 101, "callee_contact": "Kitchen", "anonymous": True}


@pytest.mark.parametrize("option", ["contact", "number"])
@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        ("Mum", True),
        (" mum ", True),
        (["Dad", "Mum"], True),
        ("Dad", False),
        ("Nobody", False),
        ([], True),
    ],
)
@pytest.mark.usefixtures("house")
async def test_names(
    hass: HomeAssistant, toys: Toys, option: str, wanted: object, fits: bool
) -> None:
    """Names of contacts work in both options."""
    reports = await automate(hass, incoming(**{option: wanted}))

    await ring_in(hass, toys.latest)

    assert len(reports) == fits


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        ("0912*", True),
        ("۰۹۱۲؟؟؟۴۵۶۷", True),
        ("+98912*", True),
        ("0912???", False),
        ("0913*", False),
        (["0913*", "Mum"], True),
    ],
)
@pytest.mark.usefixtures("house")
async def test_patterns(
    hass: HomeAssistant, toys: Toys, wanted: object, fits: bool
) -> None:
    """Patterns match all notations of a number, beside names."""
    reports = await automate(hass, incoming(number=wanted))

    await ring_in(hass, toys.latest)

    assert len(reports) == fits


async def test_contact_picker(
    hass: HomeAssistant, toys: Toys, house: MockConfigEntry
) -> None:
    """The form names contacts by their devices: the caller's, and the phone's."""
    mum, office = device_of(hass, house, "Mum"), device_of(hass, house, "Office")
    for call_id, callee in (("1", "101"), ("2", "102")):
        reports = await automate(hass, incoming(contact=[office]), "callee")
        await ring_in(hass, toys.latest, call_id=call_id, callee=callee)
    assert [report.data["callee"] for report in reports] == [102]

    checked = await IncomingCallTrigger.async_validate_config(
        hass, {"options": {"contact": mum}}
    )
    assert checked["options"]["contact"] == [mum]


async def test_contact_renamed(
    hass: HomeAssistant, toys: Toys, house: MockConfigEntry
) -> None:
    """Names are looked up at the event, and devices stay what they are."""
    reports = await automate(hass, incoming(number="Grandma"), "name")
    await ring_in(hass, toys.latest)
    assert reports == []

    (mum,) = (each for each in house.subentries.values() if each.title == "Mum")
    hass.config_entries.async_update_subentry(house, mum, title="Grandma")
    await settle(hass)
    await ring_in(hass, toys.latest, call_id="2")

    assert [report.data["name"] for report in reports] == ["Grandma"]


# --- Contacts that are in no phone book ---


def issues(hass: HomeAssistant) -> list[dict[str, str]]:
    """Return the texts of the repairs about triggers."""
    return [
        issue.translation_placeholders or {}
        for issue in ir.async_get(hass).issues.values()
        if issue.translation_key == "trigger_contact_missing" and issue.active
    ]


@pytest.mark.parametrize(
    ("options", "contacts"),
    [
        ({"contact": ["Mum", "Nanny"]}, ["Nanny"]),
        ({"number": ["0912*", "Nanny", "Mum"]}, ["Nanny"]),
        ({"contact": "0123456789abcdef0123456789abcdef"}, ["0123…"]),
        ({"contact": ["Mum"], "number": "0913*"}, []),
    ],
)
@pytest.mark.usefixtures("house")
async def test_missing_contact(
    hass: HomeAssistant,
    toys: Toys,
    caplog: pytest.LogCaptureFixture,
    options: dict[str, object],
    contacts: list[str],
) -> None:
    """A repair names the automation, from the first call until it is turned off."""
    await automate(hass, incoming(**options))
    assert issues(hass) == []

    for call_id in ("1", "2"):
        await ring_in(hass, toys.latest, call_id=call_id)
    assert issues(hass) == [
        {"automation": "Test", "contact": contact} for contact in contacts
    ]
    assert "phone book" not in caplog.text
    # Diagnostics contain the ids.
    ids = [issue_id for _, issue_id in ir.async_get(hass).issues]
    assert [each for each in contacts if each in " ".join(ids)] == []

    await hass.services.async_call(
        "automation", "turn_off", {"entity_id": "automation.test"}, blocking=True
    )
    assert issues(hass) == []


async def test_missing_contact_is_added(
    hass: HomeAssistant, toys: Toys, house: MockConfigEntry
) -> None:
    """The repair is gone with the next call after the contact was added."""
    await automate(hass, ring(contact="Nanny"))
    toys.latest.sink.extension(ExtensionUpdate("101", ExtensionState.RINGING))
    await settle(hass)
    assert len(issues(hass)) == 1

    nanny = ConfigSubentry(
        data=MappingProxyType({"number": "09120000000"}),
        subentry_type="contact",
        title="Nanny",
        unique_id="contact_09120000000",
    )
    hass.config_entries.async_add_subentry(house, nanny)
    await settle(hass)
    toys.latest.sink.extension(ExtensionUpdate("102", ExtensionState.RINGING))
    await settle(hass)

    assert issues(hass) == []


async def test_missing_contact_of_another_pbx(
    hass: HomeAssistant, toys: Toys, house: MockConfigEntry
) -> None:
    """A contact of any PBX is not missing, nor while one was never loaded."""
    other = await set_up(hass, house, contact("Nanny", "09120000000"), title="Other")
    first = toys.made[-2]
    await automate(hass, incoming(contact=["Nanny"]))
    await ring_in(hass, first)
    assert issues(hass) == []

    await hass.config_entries.async_remove(other.entry_id)
    MockConfigEntry(domain="pbx", title="Third").add_to_hass(hass)
    await ring_in(hass, first, call_id="2")
    assert issues(hass) == []

    (third,) = (each for each in known(hass) if each.title == "Third")
    await hass.config_entries.async_remove(third.entry_id)
    await ring_in(hass, first, call_id="3")
    assert len(issues(hass)) == 1


@pytest.mark.usefixtures("house")
async def test_missing_contact_without_an_automation(
    hass: HomeAssistant, toys: Toys, caplog: pytest.LogCaptureFixture
) -> None:
    """Without an automation of its own, a trigger warns once in the log."""
    config = await async_validate_trigger_config(
        hass, cv.TRIGGER_SCHEMA([incoming(contact="Nanny")])
    )

    @callback
    def ignore(*_: object) -> None:
        """Do nothing."""

    detach = await async_initialize_triggers(
        hass, config, ignore, "script", "Test", ignore
    )
    assert detach is not None
    for call_id in ("1", "2"):
        await ring_in(hass, toys.latest, call_id=call_id)
    detach()

    assert caplog.text.count("the contact Nanny, which is in no phone book") == 1
    assert issues(hass) == []


# --- Missed calls ---


@pytest.mark.parametrize(
    ("result", "is_missed"),
    [
        (CallResult.NO_ANSWER, True),
        (CallResult.BUSY, True),
        (CallResult.DECLINED, True),
        (CallResult.FAILED, True),
        (CallResult.ANSWERED, False),
        (CallResult.UNDETERMINED, False),
    ],
)
@pytest.mark.usefixtures("house")
async def test_missed(
    hass: HomeAssistant,
    toys: Toys,
    freezer: FrozenDateTimeFactory,
    result: CallResult,
    is_missed: bool,
) -> None:
    """An incoming call that nobody answered triggers once, with its result."""
    reports = await automate(hass, missed(), "result", "name", "description")

    await miss(hass, toys.latest, freezer, result)

    expected = {
        "result": result.value,
        "name": "Mum",
        "description": f"missed call: {result}",
    }
    assert [report.data for report in reports] == [expected] * is_missed


@pytest.mark.usefixtures("house")
async def test_missed_after_its_last_update(
    hass: HomeAssistant, toys: Toys, freezer: FrozenDateTimeFactory
) -> None:
    """It triggers three seconds after the last update; a late row changes nothing."""
    reports = await automate(hass, missed())
    await ring_in(hass, toys.latest)
    end = CallUpdate(
        state=CallState.ENDED,
        call_id="1.2",
        result=CallResult.NO_ANSWER,
        is_provisional=True,
    )
    for _ in range(2):
        toys.latest.sink.call(end)
        await pass_time(hass, freezer, 2)
    assert reports == []
    await pass_time(hass, freezer, 1)
    assert len(reports) == 1

    toys.latest.sink.call(replace(end, result=CallResult.ANSWERED))
    await pass_time(hass, freezer, 5)
    assert len(reports) == 1


@pytest.mark.usefixtures("house")
async def test_unattended(
    hass: HomeAssistant, toys: Toys, freezer: FrozenDateTimeFactory
) -> None:
    """A menu or a mailbox is no person."""
    reports = await automate(hass, missed(), "result")

    answered = CallResult.ANSWERED
    await miss(hass, toys.latest, freezer, answered, is_unattended=True)

    assert [report.data["result"] for report in reports] == ["answered"]


@pytest.mark.parametrize(("age", "count"), [(-5, 1), (5, 0)])
@pytest.mark.usefixtures("house")
async def test_old_missed_call(
    hass: HomeAssistant,
    toys: Toys,
    freezer: FrozenDateTimeFactory,
    age: float,
    count: int,
) -> None:
    """A call that ended more than ten minutes ago is not reported."""
    reports = await automate(hass, missed())
    toys.latest.sink.call(
        CallUpdate(
            state=CallState.ENDED,
            call_id="1",
            direction=Direction.INCOMING,
            caller=MUM,
            result=CallResult.NO_ANSWER,
            at=dt_util.utcnow().timestamp() - MAX_MISSED_AGE - age,
        )
    )
    await pass_time(hass, freezer, 4)

    assert len(reports) == count


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ({"cause": "user_busy"}, 1),
        ({"cause": ["no_answer", "user_busy"]}, 1),
        ({"cause": "no_answer"}, 0),
        ({"contact": "Mum"}, 1),
        ({"contact": "Dad"}, 0),
        ({"number": "0912*"}, 1),
        # The number of the caller counts.
        ({"number": "101"}, 0),
    ],
)
@pytest.mark.usefixtures("house")
async def test_which_missed_calls(
    hass: HomeAssistant,
    toys: Toys,
    freezer: FrozenDateTimeFactory,
    options: dict[str, object],
    count: int,
) -> None:
    """The options select missed calls."""
    reports = await automate(hass, missed(**options))

    await miss(hass, toys.latest, freezer, CallResult.BUSY, cause="user_busy")

    assert len(reports) == count


# --- Connected calls, and ends ---


@pytest.mark.parametrize(
    ("options", "directions"),
    [
        ({}, ["incoming", "internal", "outgoing"]),
        ({"direction": "incoming"}, ["incoming"]),
        ({"direction": ["internal", "outgoing"]}, ["internal", "outgoing"]),
        ({"contact": "Office"}, ["incoming"]),
        ({"number": "101"}, ["incoming", "internal", "outgoing"]),
    ],
)
@pytest.mark.usefixtures("house")
async def test_connected(
    hass: HomeAssistant,
    toys: Toys,
    options: dict[str, object],
    directions: list[str],
) -> None:
    """Each call whose parties talk triggers once, whoever has placed it."""
    trigger = {"trigger": "pbx.call_connected", "options": options}
    reports = await automate(hass, trigger, "direction", "description")

    for direction in sorted(Direction):
        update = CallUpdate(
            state=CallState.PLACED,
            call_id=direction,
            direction=direction,
            caller="200",
            callee="101",
        )
        answer = replace(
            update,
            state=CallState.CONNECTED,
            answered_by="102" if direction is Direction.INCOMING else "",
        )
        for each in (update, answer, answer):
            toys.latest.sink.call(each)
        await settle(hass)

    assert [report.data["direction"] for report in reports] == directions
    assert {report.data["description"] for report in reports} == {"connected call"}


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ({"direction": "outgoing"}, 1),
        ({"direction": ["incoming", "internal"]}, 0),
        ({"cause": "user_busy", "result": "busy"}, 1),
        ({"cause": "no_answer"}, 0),
        ({"contact": "Mum"}, 1),
        ({"contact": "Dad"}, 0),
        ({"number": "Mum"}, 1),
        ({"number": "0912*"}, 1),
    ],
)
async def test_which_ends(
    hass: HomeAssistant,
    toys: Toys,
    house: MockConfigEntry,
    options: dict[str, object],
    count: int,
) -> None:
    """The options select the ends of calls that were placed from here."""
    reports = await automate(hass, ended(**options))

    call_id = await begin_call(hass, house, callee=MUM)
    await end_call(
        hass,
        toys.latest,
        call_id,
        CallResult.BUSY,
        direction=Direction.OUTGOING,
        cause="user_busy",
    )

    assert len(reports) == count


# --- Ringing phones ---


def ring(**options: object) -> dict[str, Any]:
    """Return the trigger for a phone that rings."""
    return {"trigger": "pbx.phone_rings", "options": options}


async def test_phone_rings(
    hass: HomeAssistant, toys: Toys, house: MockConfigEntry
) -> None:
    """Only a phone that rings triggers, once, with its name and the other party."""
    reports = await automate(
        hass,
        ring(),
        "extension",
        "extension_name",
        "extension_contact",
        "direction",
        *WHO[:4],
    )

    for state in ExtensionState:
        for _ in range(2):
            toys.latest.sink.extension(ExtensionUpdate("102", state, MUM))
    await settle(hass)

    assert [report.data for report in reports] == [
        {
            "extension": 102,
            "extension_name": "Office",
            "extension_contact": device_of(hass, house, "Office"),
            "direction": "incoming",
            "number": MUM,
            "name": "Mum",
            "contact": device_of(hass, house, "Mum"),
            "person": "person.mum",
        }
    ]


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ({"contact": "Kitchen"}, 1),
        ({"contact": ["Office", "Kitchen"]}, 1),
        ({"contact": "Mum"}, 0),
        ({"number": "Mum"}, 1),
        ({"number": "0912*"}, 1),
        ({"number": "101"}, 0),
        ({"direction": "incoming"}, 1),
        ({"direction": "internal"}, 0),
    ],
)
@pytest.mark.usefixtures("house")
async def test_which_phones(
    hass: HomeAssistant, toys: Toys, options: dict[str, object], count: int
) -> None:
    """The contact is the phone's, the number that of the other party."""
    reports = await automate(hass, ring(**options))

    toys.latest.sink.extension(ExtensionUpdate("101", ExtensionState.RINGING, MUM))
    await settle(hass)

    assert len(reports) == count


@pytest.mark.parametrize(
    ("update", "direction"),
    [
        (("102", "101"), "internal"),
        # As the phone sees it, a call from inside comes in as well.
        (("102", "101", Direction.INCOMING), "internal"),
        (("102", MUM, Direction.INCOMING), "incoming"),
        (("102", MUM, Direction.OUTGOING), "outgoing"),
        (("102", ""), None),
        (("102", "", Direction.INCOMING), "incoming"),
        (("102", "anonymous", Direction.INCOMING), "incoming"),
        # The caller of a call that is placed from here.
        (("101", "200"), "outgoing"),
    ],
)
async def test_direction_of_ringing(
    hass: HomeAssistant,
    toys: Toys,
    house: MockConfigEntry,
    update: tuple[Any, ...],
    direction: str | None,
) -> None:
    """The direction is that of the call, however the PBX reports it."""
    reports = await automate(hass, ring(), "direction")
    await begin_call(hass, house, callee=MUM)

    number, *other = update
    toys.latest.sink.extension(ExtensionUpdate(number, ExtensionState.RINGING, *other))
    await settle(hass)

    assert [report.data["direction"] for report in reports] == [direction]
