"""Tests of permissions: calls require control of the PBX."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from homeassistant.auth.const import (
    GROUP_ID_ADMIN,
    GROUP_ID_READ_ONLY,
    GROUP_ID_USER,
)
from homeassistant.auth.models import User
from homeassistant.auth.permissions.const import POLICY_CONTROL
from homeassistant.components import conversation
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
    UnknownUser,
)
from homeassistant.helpers import entity_registry as er, llm
from homeassistant.helpers.llm import LLM_API_ASSIST
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
)

from custom_components.pbx.backends.base import Feature, Placed
from custom_components.pbx.backends.errors import PbxError, PbxErrorCode
from custom_components.pbx.backends.updates import CallResult
from custom_components.pbx.calls.manager import DATA_MANAGERS
from custom_components.pbx.calls.permissions import may_read_calls
from custom_components.pbx.calls.rights import (
    may_call,
    may_call_contact,
    may_dial,
    may_see_contact,
)
from custom_components.pbx.const import (
    CONF_LOG_READERS,
    DOMAIN,
    READERS_ADMINS,
    READERS_EVERYONE,
)
from custom_components.pbx.llm import async_get_tools
from sandbox import Sandbox

from ..common import CONNECTED, place_call
from ..logs import calls
from ..people import contact, entity_of, set_up
from ..reporting import add_other_pbx, begin_call, end_call, ring_in
from ..toy import ToyBackend, Toys
from .test_contacts import MUM, WORKSHOP, sent

# The data of each action, with a number that is not in the phone book.
ACTIONS: list[tuple[str, dict[str, Any]]] = [
    ("originate", {"callee": "200"}),
    ("originate", {"callee_contact": "Mum"}),
    ("announce", {"callee": "200", "message": "Hello"}),
    ("announce", {"callee_contact": "Mum", "message": "Hello"}),
    ("escalate", {"callers": ["Mum"], "callee": "200", "trunk_name": "t"}),
    ("ring", {"callers": ["101"]}),
    ("escalate", {"callees": ["200"]}),
    ("hang_up", {}),
    ("hang_up", {"originated_call_id": "orig.call.1.2"}),
    ("send_keys", {"keys": "9"}),
    ("mark_missed_calls_seen", {}),
]


async def run(
    hass: HomeAssistant, user_id: str | None, action: str, data: Mapping[str, Any]
) -> None:
    """Run an action as a user."""
    context = Context(user_id=user_id)
    await hass.services.async_call(
        DOMAIN, action, dict(data), blocking=True, context=context
    )


async def guest(
    hass: HomeAssistant, owner: User, group: str = GROUP_ID_READ_ONLY
) -> User:
    """Return a user of a group who is not the owner."""
    assert owner.is_owner  # the first one, who may do all
    return await hass.auth.async_create_user("Guest", group_ids=[group])


def with_policy(hass: HomeAssistant, policy: dict[str, Any]) -> MockUser:
    """Return a user with a policy for entities."""
    user = MockUser()
    user.mock_policy({"entities": policy})
    return user.add_to_hass(hass)


def of_pbx(hass: HomeAssistant, entry: MockConfigEntry) -> list[str]:
    """Return the entities of a PBX's own device."""
    entries = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    return [each.entity_id for each in entries if each.config_subentry_id is None]


@pytest.mark.parametrize(("action", "data"), ACTIONS)
async def test_read_only(
    hass: HomeAssistant,
    hass_owner_user: User,
    entry: MockConfigEntry,
    sandbox: Sandbox,
    action: str,
    data: dict[str, Any],
) -> None:
    """A user with read access only can neither call nor hang up."""
    await set_up(hass, entry, MUM)
    user = await guest(hass, hass_owner_user)
    before = len(sandbox.requests)
    with pytest.raises(Unauthorized) as raised:
        await run(hass, user.id, action, data)

    assert raised.value.user_id == user.id
    assert raised.value.context is not None
    assert raised.value.permission == POLICY_CONTROL
    shown = CONNECTED if data.get("callee_contact") is None else "button.mum"
    assert raised.value.entity_id == shown
    assert len(sandbox.requests) == before


@pytest.mark.parametrize("group", [GROUP_ID_USER, GROUP_ID_ADMIN, None])
async def test_control(
    hass: HomeAssistant,
    hass_owner_user: User,
    entry: MockConfigEntry,
    sandbox: Sandbox,
    group: str | None,
) -> None:
    """A user who may control everything can call, and so can an automation."""
    await set_up(hass, entry, MUM)
    user = await guest(hass, hass_owner_user, group) if group else None
    await run(hass, user.id if user else None, "originate", {"callee": "200"})

    assert [body["callee"] for body in sent(sandbox)] == ["200"]


@pytest.mark.parametrize(("action", "data"), ACTIONS)
async def test_unknown_user(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    sandbox: Sandbox,
    action: str,
    data: dict[str, Any],
) -> None:
    """A removed user is refused before anything is looked up."""
    await set_up(hass, entry, MUM)
    before = len(sandbox.requests)
    for asked in (data, {**data, "config_entry_id": "01ABC"}):
        with pytest.raises(UnknownUser):
            await run(hass, "gone", action, asked)

    assert len(sandbox.requests) == before


@pytest.mark.parametrize(
    ("data", "needed"),
    [
        ({"callee": "200"}, {"connected"}),
        ({"callee_contact": "Mum"}, {"Mum"}),
        ({"callee": "Mum", "config_entry_id": ""}, {"Mum"}),
        ({"callee": "0912 123 4567", "wait_until": "ended"}, {"Mum"}),
        ({"callee": "Mum", "caller": "Workshop"}, {"Mum", "Workshop"}),
        ({"callee": "Mum", "caller": "103"}, {"Mum", "Workshop"}),
        ({"callee": "Mum", "caller": "102"}, {"Mum", "connected"}),
        # The default caller.
        ({"callee": "Mum", "caller": "101"}, {"Mum"}),
        ({"callee": "101", "caller": "Workshop"}, {"Workshop", "connected"}),
        ({"caller": "101", "callee": "Mum", "timeout": 9}, {"Mum", "connected"}),
        # The contact with this name has another number.
        ({"callee": "110"}, {"connected"}),
        ({"callee_contact": "110"}, {"110"}),
        # What changes how the PBX dials.
        ({"callee": "Mum", "context": "other"}, {"Mum", "connected"}),
        ({"callee": "Mum", "caller_id": "2199"}, {"Mum", "connected"}),
        ({"callee": "Mum", "cooldown": 0}, {"Mum", "connected"}),
    ],
)
async def test_needed(
    hass: HomeAssistant,
    hass_owner_user: User,
    new_toy: MockConfigEntry,
    toys: Toys,
    data: dict[str, Any],
    needed: set[str],
) -> None:
    """A contact needs its button, everything else *Connected*, and nothing more."""
    assert hass_owner_user.is_owner
    named = contact("110", "104")
    made = await set_up(hass, new_toy, MUM, WORKSHOP, named, block_emergency=False)
    if "config_entry_id" in data:
        data = data | {"config_entry_id": made.entry_id}
    toys.latest.placed = Placed("1", CallResult.BUSY)
    entities = {
        each: "binary_sensor.toy_connected"
        if each == "connected"
        else entity_of(hass, made, each, "call")
        for each in ("connected", "Mum", "Workshop", "110")
    }
    for missing in needed:
        others = [entities[each] for each in entities.keys() - {missing}]
        user = with_policy(hass, {"entity_ids": dict.fromkeys(others, True)})
        with pytest.raises(Unauthorized) as raised:
            await run(hass, user.id, "originate", data)
        assert raised.value.entity_id == entities[missing]
    assert toys.latest.requests == []

    own = dict.fromkeys((entities[each] for each in needed), True)
    await run(hass, with_policy(hass, {"entity_ids": own}).id, "originate", data)
    assert len(toys.latest.requests) == 1


async def test_lists(
    hass: HomeAssistant, hass_owner_user: User, entry: MockConfigEntry
) -> None:
    """An escalation needs the PBX, and each contact of its list."""
    assert hass_owner_user.is_owner
    made = await set_up(hass, entry, MUM, WORKSHOP)
    mum, workshop = (
        entity_of(hass, made, name, "call") for name in ("Mum", "Workshop")
    )
    data: dict[str, Any] = {"callees": ["Mum", {"contact": "Workshop"}, 7.5]}
    for missing in (CONNECTED, mum, workshop):
        others = {CONNECTED, mum, workshop} - {missing}
        user = with_policy(hass, {"entity_ids": dict.fromkeys(others, True)})
        with pytest.raises(Unauthorized) as raised:
            await run(hass, user.id, "escalate", data)
        assert raised.value.entity_id == missing


async def test_unknown_name(
    hass: HomeAssistant, hass_owner_user: User, entry: MockConfigEntry
) -> None:
    """An error that lists names is not for a user who may not call numbers."""
    assert hass_owner_user.is_owner
    made = await set_up(hass, entry, MUM)
    data = {"callee": "Nobody", "config_entry_id": made.entry_id}
    mum = with_policy(
        hass, {"entity_ids": {entity_of(hass, made, "Mum", "call"): True}}
    )
    with pytest.raises(Unauthorized):
        await run(hass, mum.id, "originate", data)
    pbx = with_policy(hass, {"entity_ids": {CONNECTED: True}})
    with pytest.raises(ServiceValidationError, match="Mum"):
        await run(hass, pbx.id, "originate", data)


async def test_hang_up_of_a_contact(
    hass: HomeAssistant,
    hass_owner_user: User,
    new_toy: MockConfigEntry,
    toys: Toys,
) -> None:
    """A user who may press a contact's button may end calls to it, and no others."""
    assert hass_owner_user.is_owner
    made = await set_up(hass, new_toy, MUM, WORKSHOP)
    to_mum = await begin_call(hass, made, callee="09121234567")
    to_other = await begin_call(hass, made, callee="200")
    mum, workshop = (
        with_policy(hass, {"entity_ids": {entity_of(hass, made, name, "call"): True}})
        for name in ("Mum", "Workshop")
    )
    refused: list[tuple[User, dict[str, Any]]] = [
        (workshop, {}),
        (workshop, {"originated_call_id": to_mum}),
        (mum, {"originated_call_id": to_other}),
        (mum, {"callee": "200"}),
    ]
    for user, data in refused:
        with pytest.raises(Unauthorized):
            await run(hass, user.id, "hang_up", data)
    with pytest.raises(Unauthorized):
        await run(hass, mum.id, "send_keys", {"keys": "1"})
    assert toys.latest.hung_up == []

    await run(hass, mum.id, "hang_up", {})
    assert toys.latest.hung_up == [to_mum]
    await end_call(hass, toys.latest, to_mum)
    await end_call(hass, toys.latest, to_other)
    # Nothing is left that could be refused.
    await run(hass, workshop.id, "hang_up", {})
    assert toys.latest.hung_up == [to_mum]


async def test_hang_up_of_another_call(
    hass: HomeAssistant, hass_owner_user: User, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """A call from a contact needs its button, any other one *Connected*."""
    assert hass_owner_user.is_owner
    made = await set_up(hass, new_toy, MUM, WORKSHOP)
    await ring_in(hass, toys.latest, "09121234567", call_id="1.1", callee="103")
    await ring_in(hass, toys.latest, "02100000000", call_id="1.2", callee="103")
    mum, workshop = (
        with_policy(hass, {"entity_ids": {entity_of(hass, made, name, "call"): True}})
        for name in ("Mum", "Workshop")
    )
    pbx = with_policy(hass, {"entity_ids": {"binary_sensor.toy_connected": True}})
    reader = await guest(hass, hass_owner_user)
    of_stranger, of_mum = (
        {"originated_call_id": each["id"]} for each in await calls(hass)
    )
    for user, data in (
        (workshop, of_mum),
        (pbx, of_mum),
        (reader, of_mum),
        (mum, of_stranger),
        (reader, of_stranger),
    ):
        with pytest.raises(Unauthorized):
            await run(hass, user.id, "hang_up", data)
    assert toys.latest.hung_up == []
    await run(hass, mum.id, "hang_up", of_mum)
    await run(hass, pbx.id, "hang_up", of_stranger)
    assert toys.latest.hung_up == ["1.1", "1.2"]
    # Without an id, it is not about the calls of others.
    await run(hass, None, "hang_up", {})
    assert toys.latest.hung_up == ["1.1", "1.2"]


@pytest.mark.parametrize("caller", ["Workshop", "103", "workshop"])
async def test_default_caller(
    hass: HomeAssistant,
    hass_owner_user: User,
    new_toy: MockConfigEntry,
    toys: Toys,
    caller: str,
) -> None:
    """The phone that rings by default may also be named; it may not be called."""
    assert hass_owner_user.is_owner
    made = await set_up(hass, new_toy, MUM, WORKSHOP, caller=caller)
    user = with_policy(
        hass, {"entity_ids": {entity_of(hass, made, "Mum", "call"): True}}
    )
    toys.latest.placed = Placed("1", CallResult.BUSY)
    for named in ({"caller": "103"}, {"caller_contact": "Workshop"}, {}):
        await run(hass, user.id, "originate", {"callee": "Mum", **named})
    assert {each.caller for each in toys.latest.requests} == {"103"}
    with pytest.raises(Unauthorized):
        await run(hass, user.id, "originate", {"callee": "Workshop", "caller": "Mum"})


@pytest.mark.parametrize("admins_only", [False, True])
async def test_what_the_card_is_told(
    hass: HomeAssistant,
    hass_owner_user: User,
    new_toy: MockConfigEntry,
    admins_only: bool,
) -> None:
    """What a user may is the same that the actions ask for."""
    readers = READERS_ADMINS if admins_only else READERS_EVERYONE
    options: dict[str, Any] = {"admins_only": admins_only, CONF_LOG_READERS: readers}
    made = await set_up(hass, new_toy, MUM, WORKSHOP, **options)
    manager = hass.data[DATA_MANAGERS][made.entry_id]
    mum = entity_of(hass, made, "Mum", "call")

    def asked(user: User) -> tuple[bool, ...]:
        contact = manager.book.contacts[0]
        return (
            may_read_calls(manager, user),
            may_dial(manager, user),
            may_call(manager, user),
            may_call_contact(manager, user, contact),
            may_see_contact(manager, user, contact),
        )

    user = not admins_only
    reader = await guest(hass, hass_owner_user)
    member = await guest(hass, hass_owner_user, GROUP_ID_USER)
    admin = await guest(hass, hass_owner_user, GROUP_ID_ADMIN)
    assert asked(reader) == (user, False, False, False, True)
    assert asked(member) == (user, user, True, True, True)
    assert asked(admin) == (True,) * 5
    caller = with_policy(hass, {"entity_ids": {mum: {"control": True}}})
    assert asked(caller) == (False, False, True, True, False)
    connected = {"binary_sensor.toy_connected": True}
    dialer = with_policy(hass, {"entity_ids": connected})
    assert asked(dialer) == (user, user, True, False, False)
    assert asked(with_policy(hass, {})) == (False,) * 5


async def test_hang_up_of_the_pbxs(
    hass: HomeAssistant,
    hass_owner_user: User,
    toys: Toys,
    toy_entry: MockConfigEntry,
) -> None:
    """A user only hangs up calls of the PBXs that they may control."""
    assert hass_owner_user.is_owner
    other = await add_other_pbx(hass, toy_entry)
    first, second = toys.made
    one = await begin_call(hass, toy_entry)
    two = await begin_call(hass, other)
    own = of_pbx(hass, other)
    user = with_policy(hass, {"entity_ids": dict.fromkeys(own, True)})
    await run(hass, user.id, "hang_up", {"originated_call_id": one})
    assert (first.hung_up, second.hung_up) == ([], [])
    with pytest.raises(Unauthorized):
        await run(hass, user.id, "hang_up", {"config_entry_id": toy_entry.entry_id})

    await run(hass, user.id, "hang_up", {})
    assert (first.hung_up, second.hung_up) == ([], [two])
    with pytest.raises(Unauthorized):
        await run(hass, with_policy(hass, {}).id, "hang_up", {})


@pytest.mark.parametrize("toy_features", [(Feature.RING_TONE, Feature.GROUPS)])
@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("originate", {"caller": "101", "callee": "200"}),
        ("escalate", {"callers": ["101"], "callee": "200"}),
    ],
)
async def test_auto_answer(
    hass: HomeAssistant,
    hass_owner_user: User,
    toy: ToyBackend,
    action: str,
    data: dict[str, Any],
) -> None:
    """A user who is no administrator does not turn on a microphone."""
    user = await guest(hass, hass_owner_user, GROUP_ID_USER)
    toy.error = PbxError(PbxErrorCode.REFUSED)
    for value in (True, "on", 1):
        with pytest.raises(ServiceValidationError) as caught:
            await run(hass, user.id, action, data | {"auto_answer": value})
        assert caught.value.translation_key == "auto_answer_admins_only"
        assert "administrators" in str(caught.value)
    assert toy.requests == []

    admin = await guest(hass, hass_owner_user, GROUP_ID_ADMIN)
    for user_id, auto_answer in ((user.id, False), (admin.id, True), (None, True)):
        with suppress(HomeAssistantError):
            await run(hass, user_id, action, data | {"auto_answer": auto_answer})
        assert toy.requests[-1].auto_answer is auto_answer


async def test_no_entities(
    hass: HomeAssistant,
    hass_owner_user: User,
    entry: MockConfigEntry,
    sandbox: Sandbox,
) -> None:
    """A PBX without entities requires control of everything."""
    made = await set_up(hass, entry)
    for entity_id in of_pbx(hass, made):
        er.async_get(hass).async_remove(entity_id)
    user = await guest(hass, hass_owner_user)
    with pytest.raises(Unauthorized):
        await run(hass, user.id, "originate", {"callee": "200"})
    assert sent(sandbox) == []

    user = await guest(hass, hass_owner_user, GROUP_ID_USER)
    await run(hass, user.id, "originate", {"callee": "200"})
    assert len(sent(sandbox)) == 1


async def test_automation_of_a_read_only_user(
    hass: HomeAssistant,
    hass_owner_user: User,
    entry: MockConfigEntry,
    sandbox: Sandbox,
) -> None:
    """An automation may call, regardless of the user who triggered it."""
    await set_up(hass, entry)
    user = await guest(hass, hass_owner_user)
    automation = {
        "alias": "Bell",
        "triggers": [{"trigger": "event", "event_type": "bell"}],
        "actions": [{"action": "pbx.originate", "data": {"callee": "200"}}],
    }
    assert await async_setup_component(hass, "automation", {"automation": [automation]})
    hass.bus.async_fire("bell", context=Context(user_id=user.id))
    await hass.async_block_till_done()

    assert len(sent(sandbox)) == 1


# --- Contacts require control of their button ---


@pytest.fixture
async def _assist(hass: HomeAssistant) -> None:
    """Set up Assist."""
    pytest.importorskip("hassil")
    for component in ("homeassistant", "conversation"):
        assert await async_setup_component(hass, component, {})
    await hass.async_block_till_done()


@pytest.mark.usefixtures("_assist")
@pytest.mark.parametrize("may", [True, False])
async def test_voice(
    hass: HomeAssistant,
    hass_owner_user: User,
    entry: MockConfigEntry,
    sandbox: Sandbox,
    may: bool,
) -> None:
    """Assist does not call a contact whose button the user may not press."""
    assert hass_owner_user.is_owner
    made = await set_up(hass, entry, MUM, WORKSHOP)
    named = "Mum" if may else "Workshop"
    user = with_policy(
        hass, {"entity_ids": {entity_of(hass, made, named, "call"): True}}
    )
    context = Context(user_id=user.id)
    result = await conversation.async_converse(
        hass, "call mum", None, context, language="en"
    )
    await hass.async_block_till_done()

    speech: dict[str, Any] = result.response.speech
    said = speech["plain"]["speech"]
    assert said == (
        "101 rings first, then Mum."
        if may
        else "Mum could not be called. You do not have permission to do this. Ask an"
        " administrator to grant it."
    )
    assert len(sent(sandbox)) == may


@pytest.mark.usefixtures("_assist")
async def test_llm(
    hass: HomeAssistant,
    hass_owner_user: User,
    entry: MockConfigEntry,
    sandbox: Sandbox,
) -> None:
    """Nor does a language model."""
    await set_up(hass, entry, MUM, llm_tool=True)
    user = await guest(hass, hass_owner_user)
    context = llm.LLMContext(
        "test", Context(user_id=user.id), "en", conversation.DOMAIN, None
    )
    tool_input = llm.ToolInput(tool_name="pbx__call", tool_args={"contact": "Mum"})
    tools = async_get_tools(hass, context, LLM_API_ASSIST)
    assert tools is not None
    (tool,) = tools.tools
    result: Any = await tool.async_call(hass, tool_input, context)

    assert getattr(result, "data", result) == {"error": "Unauthorized"}
    assert sent(sandbox) == []
    await place_call(hass, callee_contact="Mum")  # an automation may
    assert len(sent(sandbox)) == 1
