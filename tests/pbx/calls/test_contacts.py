"""Tests of contacts in the actions."""

from typing import Any

from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.const import DOMAIN
from sandbox import Sandbox

from ..ari import Reply, StubAri
from ..common import ORIGINATE, place_call, set_options
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
from ..reporting import begin_call, end_call
from ..toy import Toys
from .messages import raises

MUM = contact("Mum", "09121234567", "Mama", call_limit=60, caller_id="2188")
GUARD = contact("Guard", "+98 21 5555".replace(" ", ""), trunk_name="main_trunk")
WORKSHOP = contact("Workshop", "103")


def sent(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return the caller and the callee of each request."""
    return [
        request.json  # type: ignore[misc]
        for request in sandbox.requests
        if request.path == ORIGINATE
    ]


@pytest.mark.parametrize(
    "reference",
    ["Mum", "mum", " MAMA ", "Granny", "nana", "button.mum", "device", "id"],
)
async def test_callee(
    hass: HomeAssistant, entry: MockConfigEntry, sandbox: Sandbox, reference: str
) -> None:
    """A contact is found by any of its names, its device or its entities."""
    made = await set_up(hass, entry, MUM, WORKSHOP)
    rename(hass, made, "Mum", "Granny")
    give_aliases(hass, made, "Mum", "Nana")
    if reference == "device":
        reference = device_of(hass, made, "Mum")
    if reference == "id":
        button = er.async_get(hass).async_get(entity_of(hass, made, "Mum", "call"))
        assert button is not None
        reference = button.id
    await place_call(hass, callee_contact=reference)

    (body,) = sent(sandbox)
    assert (body["caller"], body["callee"]) == ("101", "09121234567")
    assert (body["call_limit"], body["caller_id"]) == ("60", "2188")


@pytest.mark.parametrize(
    "reference", ["Mum Call", "sensor.toy_active_calls", "button.dad", "light.mum"]
)
async def test_not_a_contact(
    hass: HomeAssistant, entry: MockConfigEntry, sandbox: Sandbox, reference: str
) -> None:
    """Entities of the PBX and of others are not contacts."""
    await set_up(hass, entry, MUM, phone("Kitchen", "102"))
    with pytest.raises(ServiceValidationError) as raised:
        await place_call(hass, callee_contact=reference)

    assert raised.value.translation_key == "unknown_contact"
    assert sent(sandbox) == []


@pytest.mark.parametrize("what", ["device", "button"])
@pytest.mark.parametrize("reference", ["Mum", "button.mum", "device"])
async def test_disabled(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    sandbox: Sandbox,
    what: str,
    reference: str,
) -> None:
    """A disabled contact cannot be called, and the error says so."""
    made = await set_up(hass, entry, MUM, WORKSHOP)
    if reference == "device":
        reference = device_of(hass, made, "Mum")
    disable(hass, made, "Mum", what)
    await hass.async_block_till_done()
    for data in (
        {"callee_contact": reference},
        {"caller_contact": reference, "callee": "200"},
        {"callee_contact": reference, "config_entry_id": made.entry_id},
    ):
        with raises("contact_disabled"):
            await place_call(hass, **data)
    assert sent(sandbox) == []
    await place_call(hass, callee_contact="Workshop")
    assert len(sent(sandbox)) == 1


async def test_disabled_namesake(
    hass: HomeAssistant, entry: MockConfigEntry, sandbox: Sandbox
) -> None:
    """Of two contacts with one name, the enabled one is called."""
    made = await set_up(hass, entry, contact("Old", "1", "Mum"), contact("New", "2"))
    rename(hass, made, "New", "Mum")
    disable(hass, made, "Old", "device")
    await place_call(hass, callee_contact="Mum")

    assert [body["callee"] for body in sent(sandbox)] == ["2"]


async def test_disabled_pbx(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A contact of a disabled PBX is not reported as disabled."""
    made = await set_up(hass, entry, MUM)
    await hass.config_entries.async_set_disabled_by(
        made.entry_id, ConfigEntryDisabler.USER
    )
    await hass.async_block_till_done()
    with raises("pbx_not_loaded"):
        await place_call(hass, callee_contact="Mum")


async def test_enabled_again(
    hass: HomeAssistant, entry: MockConfigEntry, sandbox: Sandbox
) -> None:
    """A contact can be called again once it is enabled."""
    made = await set_up(hass, entry, MUM)
    disable(hass, made, "Mum", "device")
    registry = dr.async_get(hass)
    registry.async_update_device(device_of(hass, made, "Mum"), disabled_by=None)
    await hass.async_block_till_done()
    await place_call(hass, callee_contact="Mum")

    assert len(sent(sandbox)) == 1


async def test_precedence(
    hass: HomeAssistant, entry: MockConfigEntry, sandbox: Sandbox
) -> None:
    """Action data overrides the contact, which overrides the call defaults."""
    await set_up(hass, entry, MUM, timeout=40, call_limit=300)
    await place_call(hass, callee_contact="Mum", call_limit=5, caller="102")
    await place_call(hass, callee_contact="Mum")

    assert [
        (body["caller"], body["timeout"], body["call_limit"]) for body in sent(sandbox)
    ] == [("102", "40", "5"), ("101", "40", "60")]


async def test_caller(
    hass: HomeAssistant, entry: MockConfigEntry, sandbox: Sandbox
) -> None:
    """A contact's own settings apply also when it rings first, if no one else's do."""
    await set_up(hass, entry, GUARD, MUM)
    await place_call(hass, caller_contact="Guard", callee_contact="Mum")
    await place_call(hass, caller_contact="Mum", callee="200", trunk_name="main_trunk")

    first, second = sent(sandbox)
    assert (first["caller"], first["trunk_name"]) == ("+98215555", "main_trunk")
    assert first["callee"] == "09121234567"
    assert first["caller_id"] == "2188"  # Mum's, who is called
    assert second["call_limit"] == "60"
    assert second["caller_id"] == "2188"  # hers as well, and not her own number


async def test_internal_caller(
    hass: HomeAssistant, entry: MockConfigEntry, sandbox: Sandbox
) -> None:
    """An extension is called internally, whichever trunk is set."""
    kitchen = contact("Kitchen", "102", trunk_name="main_trunk", caller_id="100")
    mum = contact("Mum", "09121234567", trunk_name="main_trunk")
    await set_up(hass, entry, kitchen, mum, trunk_name="main_trunk")
    await place_call(hass, caller_contact="Kitchen", callee_contact="Mum")
    await place_call(hass, callee_contact="Mum")
    await place_call(hass, callee_contact="Kitchen")

    shown = [(body["caller"], body["caller_id"]) for body in sent(sandbox)]
    assert shown == [("102", "102"), ("101", "101"), ("101", "100")]
    assert [body.get("trunk_name") for body in sent(sandbox)] == [None] * 3


async def test_external_caller(
    hass: HomeAssistant, entry: MockConfigEntry, sandbox: Sandbox
) -> None:
    """Caller ID for an external caller: action, contact, default or none."""
    dad = contact("Dad", "09127654321")
    made = await set_up(hass, entry, MUM, dad, caller_id="8", trunk_name="main_trunk")
    await place_call(hass, caller_contact="Mum", callee="200", caller_id="9")
    await place_call(hass, caller_contact="Mum", callee="201")
    await place_call(hass, caller_contact="Dad", callee="202")
    await place_call(hass, caller_contact="Dad", callee="203", caller_id="")
    await set_options(hass, made, caller_id="")
    await place_call(hass, caller_contact="Dad", callee="204")

    shown = [body["caller_id"] for body in sent(sandbox)]
    assert shown == ["9", "2188", "8", "203", "204"]
    assert {body["trunk_name"] for body in sent(sandbox)} == {"main_trunk"}


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"callee_contact": "Nobody"}, "unknown_contact"),
        ({"callee_contact": ""}, "given_nothing"),
        ({"callee_contact": "Mum", "callee": "200"}, "list_and_single"),
        ({"callee": "200", "caller": "1", "caller_contact": "Mum"}, "list_and_single"),
    ],
)
async def test_refused(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    sandbox: Sandbox,
    data: dict[str, str],
    key: str,
) -> None:
    """An unknown or ambiguous contact is refused."""
    await set_up(hass, entry, MUM)
    with pytest.raises(ServiceValidationError) as raised:
        await place_call(hass, **data)

    assert raised.value.translation_key == key
    assert "{" not in str(raised.value)
    assert sent(sandbox) == []


async def test_two_pbxs(
    hass: HomeAssistant, entry: MockConfigEntry, sandbox: Sandbox
) -> None:
    """The contact determines the PBX; an ambiguous name needs the PBX."""
    one = await set_up(hass, entry, MUM, title="One")
    await set_up(hass, entry, MUM, WORKSHOP, title="Two")
    await place_call(hass, callee_contact="Workshop")
    await place_call(hass, callee_contact=device_of(hass, one, "Mum"))
    await place_call(
        hass, callee_contact="Mum", config_entry_id=one.entry_id, caller="102"
    )
    assert len(sent(sandbox)) == 3

    with raises("contact_of_several_pbxs"):
        await place_call(hass, callee_contact="Mum")
    assert len(sent(sandbox)) == 3


async def test_not_loaded(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A contact of a PBX that is not loaded raises that error."""
    made = await set_up(hass, entry, MUM)
    await hass.config_entries.async_unload(made.entry_id)
    with raises("pbx_not_loaded"):
        await place_call(hass, callee_contact="Mum")


async def test_escalate(
    hass: HomeAssistant, entry: MockConfigEntry, sandbox: Sandbox
) -> None:
    """Contacts and numbers are called in order; the one who answered is named."""
    sandbox.configure(missing_services=(ORIGINATE,))
    await set_up(hass, entry, MUM, GUARD, WORKSHOP)
    response = await hass.services.async_call(
        DOMAIN,
        "escalate",
        {
            "callers": ["button.workshop", "102", "Guard"],
            "callee_contact": "Mum",
        },
        blocking=True,
        return_response=True,
    )

    assert response is not None
    assert response["answered_by_contact"] is None
    attempts: Any = response["attempts"]
    assert [(each["number"], each["contact"]) for each in attempts] == [
        ("103", "Workshop"),
        ("102", None),
        ("+98215555", "Guard"),
    ]
    bodies = sent(sandbox)
    assert [body["callee"] for body in bodies] == ["09121234567"] * 3
    assert [body.get("trunk_name") for body in bodies] == [None, None, "main_trunk"]


async def test_escalate_by_a_trunk(
    hass: HomeAssistant, entry: MockConfigEntry, sandbox: Sandbox
) -> None:
    """The trunk of the action overrides the contact's, for external numbers only."""
    sandbox.configure(missing_services=(ORIGINATE,))
    await set_up(hass, entry, MUM, GUARD, WORKSHOP)
    people = ["Workshop", "Guard", "Mum"]
    data = {"callers": people, "callee": "200", "trunk_name": "other"}
    await hass.services.async_call(DOMAIN, "escalate", data, blocking=True)

    bodies = sent(sandbox)
    assert [body.get("trunk_name") for body in bodies] == [None, "other", "other"]
    assert [body["caller_id"] for body in bodies] == ["103", "200", "2188"]


async def test_escalate_callees(
    hass: HomeAssistant, entry: MockConfigEntry, sandbox: Sandbox
) -> None:
    """Each callee has its own settings."""
    sandbox.configure(missing_services=(ORIGINATE,))
    await set_up(hass, entry, MUM, WORKSHOP)
    await hass.services.async_call(
        DOMAIN,
        "escalate",
        {"callees": ["Mum", "Workshop"], "caller_contact": "Workshop"},
        blocking=True,
    )

    bodies = sent(sandbox)
    assert [body["callee"] for body in bodies] == ["09121234567", "103"]
    assert [body.get("call_limit") for body in bodies] == ["60", None]
    assert {body["caller"] for body in bodies} == {"103"}


async def test_devices(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Each contact has a device below the PBX's, and is removed with it."""
    made = await set_up(hass, entry, MUM)
    registry = dr.async_get(hass)
    device = registry.async_get(device_of(hass, made, "Mum"))
    assert isinstance(device, dr.DeviceEntry)
    assert (device.model, device.model_id) == ("Contact", "09121234567")
    assert device.via_device_id == device_of(hass, made, "Sandbox")

    (subentry_id,) = made.subentries
    hass.config_entries.async_remove_subentry(made, subentry_id)
    await hass.async_block_till_done()
    assert registry.async_get(device.id) is None


@pytest.mark.parametrize(
    ("contact_number", "callee", "is_theirs"),
    [
        ("0600", "0600", True),
        ("0600", "600", False),
        ("09121234567", "+98 912 123 4567", True),
        # It has lost its zero on its way, and no other contact fits.
        ("09121234567", "9121234567", True),
        ("09121234567", "9121234568", False),
    ],
)
async def test_result(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    toys: Toys,
    contact_number: str,
    callee: str,
    is_theirs: bool,
) -> None:
    """The result of a call is shown on the contact with its number only."""
    hass.config.country = "IR"
    made = await set_up(hass, new_toy, contact("Sara", contact_number))
    await end_call(hass, toys.latest, await begin_call(hass, made, callee=callee))

    button = hass.states.get(entity_of(hass, made, "Sara", "call"))
    assert button is not None
    assert button.attributes.get("last_result") == ("answered" if is_theirs else None)


async def test_asterisk(
    hass: HomeAssistant, ari: StubAri, asterisk_entry: MockConfigEntry
) -> None:
    """With any trunk, extensions ring internally and mobiles through the trunk."""
    await set_options(hass, asterisk_entry, trunk_name="provider", caller_name="Bell")
    await place_call(hass, caller="557", callee="552")
    # An extension must not be called externally.
    await place_call(hass, caller="557", callee="553", trunk_name="provider")
    await place_call(hass, caller="09121234567", callee="552")
    await place_call(hass, caller="09121234567", callee="553", caller_id="02155")

    assert [(body["endpoint"], body.get("callerId")) for body in ari.originated] == [
        ("PJSIP/557", '"Bell" <557>'),
        ("PJSIP/557", '"Bell" <557>'),
        ("PJSIP/09121234567@provider", None),
        ("PJSIP/09121234567@provider", '"Bell" <02155>'),
    ]


@pytest.mark.parametrize("at", ["action", "defaults"])
async def test_escalate_on_asterisk(
    hass: HomeAssistant, ari: StubAri, asterisk_entry: MockConfigEntry, at: str
) -> None:
    """This also applies to each number in a list."""
    ari.reply("POST", "channels", Reply(400, {"message": "Not now"}))
    trunk = {"trunk_name": "provider"}
    if at == "defaults":
        await set_options(hass, asterisk_entry, **trunk)
    data = {"callers": ["557", "0912 123 4567"], "callee": "552"}
    data |= trunk if at == "action" else {}
    await hass.services.async_call(DOMAIN, "escalate", data, blocking=True)

    assert [(body["endpoint"], body.get("callerId")) for body in ari.originated] == [
        ("PJSIP/557", "<557>"),
        ("PJSIP/09121234567@provider", None),
    ]


async def test_simotel(
    hass: HomeAssistant, entry: MockConfigEntry, sandbox: Sandbox
) -> None:
    """A Simotel gets the action's trunk unchanged, and a name as the caller ID."""
    await set_up(hass, entry, trunk_name="main_trunk")
    data = {"caller": "101", "caller_id": "Front door"}
    await place_call(hass, **data, callee="200")
    await place_call(hass, **data, callee="201", trunk_name="cisco")

    assert [body.get("trunk_name") for body in sent(sandbox)] == [None, "cisco"]
    assert {body["caller_id"] for body in sent(sandbox)} == {"Front door"}
