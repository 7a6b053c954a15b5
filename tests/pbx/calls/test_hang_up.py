"""Tests of hanging up calls of several PBXs, through the action."""

from dataclasses import replace

from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.backends import KINDS
from custom_components.pbx.backends.base import PbxError, PbxErrorCode
from custom_components.pbx.const import CONF_KIND, DOMAIN

from ..common import settle
from ..reporting import add_other_pbx, begin_call
from ..toy import ToyBackend, Toys
from .messages import message, raises

LOST = PbxError(PbxErrorCode.CANNOT_CONNECT, "no route")


@pytest.fixture
async def other(hass: HomeAssistant, toy_entry: MockConfigEntry) -> MockConfigEntry:
    """Return a second PBX, named Other, which can hang up as well."""
    return await add_other_pbx(hass, toy_entry)


@pytest.fixture
async def unable(
    hass: HomeAssistant,
    toys: Toys,
    toy_entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> MockConfigEntry:
    """Return a second PBX, named Unable, which cannot hang up."""
    monkeypatch.setitem(KINDS, "unable", replace(toys.kind(), id="unable"))
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="Unable",
        data={**toy_entry.data, CONF_KIND: "unable"},
        options=toy_entry.options,
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    return entry


async def hang_up(hass: HomeAssistant, **data: object) -> list[str]:
    """Run the action, and return the IDs of the calls that it hung up."""
    response = await hass.services.async_call(
        DOMAIN, "hang_up", data, blocking=True, return_response=True
    )
    assert response is not None
    hung_up = response["hung_up"]
    assert isinstance(hung_up, list)
    return [str(each) for each in hung_up]


async def test_all_pbxs(
    hass: HomeAssistant, toys: Toys, toy_entry: MockConfigEntry, other: MockConfigEntry
) -> None:
    """Without a PBX, the calls of all PBXs are hung up."""
    first, second = toys.made
    one = await begin_call(hass, toy_entry)
    two = await begin_call(hass, other)

    assert await hang_up(hass) == [one, two]
    assert (first.hung_up, second.hung_up) == ([one], [two])


async def test_named_pbx(
    hass: HomeAssistant, toys: Toys, toy_entry: MockConfigEntry, other: MockConfigEntry
) -> None:
    """With a PBX, only its calls are hung up."""
    first, _ = toys.made
    await begin_call(hass, toy_entry)
    two = await begin_call(hass, other)

    assert await hang_up(hass, config_entry_id=other.entry_id) == [two]
    assert first.hung_up == []
    with raises("call_not_found") as caught:
        await hang_up(hass, config_entry_id=toy_entry.entry_id, originated_call_id=two)
    assert str(caught.value) == message("call_not_found", pbx="Toy")


async def test_call_of_any_pbx(
    hass: HomeAssistant, toys: Toys, toy_entry: MockConfigEntry, other: MockConfigEntry
) -> None:
    """A call is found by its ID, whichever PBX has it."""
    first, second = toys.made
    one = await begin_call(hass, toy_entry)
    two = await begin_call(hass, other)

    assert await hang_up(hass, originated_call_id=two) == [two]
    assert await hang_up(hass, originated_call_id=one) == [one]
    assert (first.hung_up, second.hung_up) == ([one], [two])


@pytest.mark.usefixtures("other")
async def test_call_of_no_pbx(hass: HomeAssistant, toy_entry: MockConfigEntry) -> None:
    """The error for an unknown call names all PBXs that could have it."""
    await begin_call(hass, toy_entry)
    with raises("call_not_found") as caught:
        await hang_up(hass, originated_call_id="ha-other")

    assert str(caught.value) == message("call_not_found", pbx="Toy, Other")


@pytest.mark.usefixtures("unable")
async def test_call_of_no_pbx_that_is_able(
    hass: HomeAssistant, toy_entry: MockConfigEntry
) -> None:
    """A PBX that cannot hang up is not named."""
    await begin_call(hass, toy_entry)
    with raises("call_not_found") as caught:
        await hang_up(hass, originated_call_id="ha-other")

    assert str(caught.value) == message("call_not_found", pbx="Toy")


async def test_one_pbx_fails(
    hass: HomeAssistant, toys: Toys, toy_entry: MockConfigEntry, other: MockConfigEntry
) -> None:
    """What was hung up is returned; it is an error only if nothing was."""
    first, second = toys.made
    await begin_call(hass, toy_entry)
    two = await begin_call(hass, other)
    first.error = LOST
    assert await hang_up(hass) == [two]

    second.error = PbxError(PbxErrorCode.REFUSED, "busy")
    with raises("cannot_connect") as caught:
        await hang_up(hass)
    assert "Toy" in str(caught.value)


@pytest.mark.usefixtures("other")
async def test_failure_beside_a_pbx_without_calls(
    hass: HomeAssistant, toys: Toys, toy_entry: MockConfigEntry
) -> None:
    """A PBX without calls does not hide the failure of another one."""
    await begin_call(hass, toy_entry)
    toys.made[0].error = LOST
    with raises("cannot_connect"):
        await hang_up(hass)


async def test_one_call_fails(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same applies to the calls of one PBX."""
    one = await begin_call(hass, toy_entry)
    two = await begin_call(hass, toy_entry, callee="201")
    real = toy.hang_up

    async def fail(call_id: str) -> None:
        if call_id == one:
            raise LOST
        await real(call_id)

    monkeypatch.setattr(toy, "hang_up", fail)
    assert await hang_up(hass) == [two]


async def test_unexpected_error(
    hass: HomeAssistant,
    toys: Toys,
    toy_entry: MockConfigEntry,
    other: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An unexpected error is raised, and the calls of the other PBX are hung up."""
    first, second = toys.made
    await begin_call(hass, toy_entry)
    two = await begin_call(hass, other)

    async def fail(_call_id: str) -> None:
        raise LookupError("Unexpected")

    monkeypatch.setattr(first, "hang_up", fail)
    with pytest.raises(LookupError, match="Unexpected"):
        await hang_up(hass)
    assert second.hung_up == [two]


async def test_unable(
    hass: HomeAssistant, toy_entry: MockConfigEntry, unable: MockConfigEntry
) -> None:
    """A PBX that cannot hang up is skipped, unless only its calls are left."""
    assert await hang_up(hass) == []
    one = await begin_call(hass, toy_entry)
    two = await begin_call(hass, unable, callee="201")
    assert await hang_up(hass) == [one]

    with raises("hang_up_not_supported") as caught:
        await hang_up(hass, originated_call_id=two)
    assert "Unable" in str(caught.value)


async def test_only_calls_that_cannot_be_hung_up(
    hass: HomeAssistant, unable: MockConfigEntry
) -> None:
    """If nothing could be done, the error says why."""
    await begin_call(hass, unable)
    with raises("hang_up_not_supported") as caught:
        await hang_up(hass)

    assert "Unable" in str(caught.value)


@pytest.mark.parametrize("is_disabled", [True, False])
async def test_not_loaded(
    hass: HomeAssistant,
    toy_entry: MockConfigEntry,
    other: MockConfigEntry,
    is_disabled: bool,
) -> None:
    """A PBX that is not loaded does not prevent hanging up the calls of another."""
    await begin_call(hass, toy_entry)
    two = await begin_call(hass, other)
    if is_disabled:
        await hass.config_entries.async_set_disabled_by(
            toy_entry.entry_id, ConfigEntryDisabler.USER
        )
    else:
        assert await hass.config_entries.async_unload(toy_entry.entry_id)

    assert await hang_up(hass) == [two]
    assert await hang_up(hass, originated_call_id=two) == [two]


async def test_none_loaded(hass: HomeAssistant, toy_entry: MockConfigEntry) -> None:
    """If no PBX is loaded, the error says so."""
    assert await hass.config_entries.async_unload(toy_entry.entry_id)
    with raises("pbx_not_loaded"):
        await hang_up(hass)
