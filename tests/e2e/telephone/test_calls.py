"""Browser tests: somebody calls, and is called."""

import re

from playwright.async_api import expect

from scripts.support.booted.pbx import set_dialing_rules

from .house import DOOR, GARDEN, KITCHEN, MUM, House

RED = "rgb(219, 68, 55)"
FRIEND = "07700900333"


async def test_a_contact_is_called(house: House) -> None:
    """A tap calls, and the row shows each step until the call is in the list."""
    for phone in (DOOR, KITCHEN):
        house.sandbox.change_phone(phone, after=1.5)
    seat = await house.open()
    await expect(seat.live).to_have_count(0)
    await seat.contact("Kitchen").click()
    await expect(seat.live).to_contain_text("Kitchen")
    await expect(seat.live).to_contain_text("Calling…")
    await expect(seat.live).to_contain_text("from \u2068Door station\u2069")
    await expect(seat.live).to_contain_text("Ringing")
    await expect(seat.live).to_contain_text("Connected")
    await expect(seat.live).to_contain_text("from \u2068Door station\u2069")
    call = house.last_call()
    assert (call.caller, call.callee) == (DOOR, KITCHEN)

    timer = seat.live.locator(".timer")
    shown = await timer.text_content()
    assert shown
    await expect(timer).not_to_have_text(shown)
    await expect(timer).to_have_text(re.compile(r"^0:0[2-9]$"))
    # This PBX cannot end a call.
    await expect(seat.live.get_by_role("button")).to_have_count(0)
    await seat.open_tab("Calls")
    await expect(seat.rows).to_have_count(0)
    house.hang_up()
    await expect(seat.live).to_have_count(0)
    await expect(seat.rows).to_have_count(1)
    await expect(seat.rows).to_contain_text("Kitchen")
    await expect(seat.rows).to_have_attribute("aria-label", re.compile("Internal"))
    await expect(seat.rows.locator("time")).to_have_text("just now")
    await expect(seat.card.locator(".day")).to_have_text("Today")
    assert len(house.sandbox.calls) == 1


async def test_a_number_is_dialed(house: House) -> None:
    """The keypad dials after a question; the call key brings the number back."""
    seat = await house.open()
    await seat.open_tab("Keypad")
    pad = seat.card.get_by_role("group", name="Keypad")
    for key in FRIEND:
        await pad.get_by_role("button", name=key, exact=True).click()
    field = seat.card.get_by_label("Number")
    await expect(field).to_have_value(FRIEND)
    call = pad.get_by_role("button", name="Call", exact=True)
    await call.click()
    dialog = seat.card.get_by_role("dialog")
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(dialog).to_have_count(0)
    assert not house.sandbox.calls
    await call.click()
    await dialog.get_by_role("button", name="Call", exact=True).click()
    await expect(seat.live).to_contain_text(FRIEND)
    await expect(seat.live).to_contain_text("Ringing")
    assert [each.callee for each in house.sandbox.calls] == [FRIEND]
    house.hang_up()
    await expect(seat.live).to_have_count(0)

    await seat.open()
    await seat.open_tab("Keypad")
    await expect(field).to_have_value("")
    await call.click()
    await expect(field).to_have_value(FRIEND)
    assert len(house.sandbox.calls) == 1


async def test_a_refusal_is_shown(house: House) -> None:
    """A number that the rules forbid is not called; the user's language says why."""
    await set_dialing_rules(
        house.home_assistant, house.entry_id, forbidden_numbers=["0770*"]
    )
    for language, keypad, call, reason in (
        ("en", "Keypad", "Call", "is forbidden by the dialing rules"),
        ("fa", "شماره‌گیر", "تماس", "را ممنوع کرده است"),
    ):
        seat = await house.open(language=language)
        await seat.open_tab(keypad)
        await seat.card.locator("input.digits").fill(FRIEND)
        pad = seat.card.get_by_role("group", name=keypad)
        await pad.get_by_role("button", name=call, exact=True).click()
        dialog = seat.card.get_by_role("dialog")
        await dialog.get_by_role("button", name=call, exact=True).click()
        await expect(seat.card.locator(".error")).to_contain_text(reason)
    assert not house.sandbox.calls


async def test_a_call_comes_in(house: House) -> None:
    """The call is on top with its name, then who answered it, then in the list."""
    seat = await house.open()
    await expect(seat.contact("Mum")).to_be_visible()
    call = house.sandbox.incoming(MUM, KITCHEN)
    await expect(seat.live).to_have_class("coming")
    await expect(seat.live.locator(".name")).to_have_text("Mum")
    await expect(seat.live).to_contain_text("Incoming call")
    said = seat.card.get_by_role("alert").filter(has_text="Incoming call: Mum")
    await expect(said).to_have_count(1)
    await expect(seat.live).to_contain_text("Connected")
    await expect(seat.live).to_contain_text("answered by \u2068Kitchen\u2069")
    house.sandbox.hang_up(call.id)
    await expect(seat.live).to_have_count(0)
    await seat.open_tab("Calls")
    await expect(seat.rows).to_contain_text("answered by \u2068Kitchen\u2069")
    await expect(seat.card.locator(".row.missed")).to_have_count(0)


async def test_a_missed_call_is_called_back(house: House) -> None:
    """It is red and counted until somebody touches it; then one tap calls back."""
    seat = await house.open()
    await expect(seat.contact("Mum")).to_be_visible()
    await expect(seat.badge).to_be_hidden()
    house.sandbox.incoming(MUM, GARDEN)
    await expect(seat.live).to_have_class("coming")
    house.hang_up()
    await expect(seat.badge).to_have_text("1")
    await seat.open_tab("Calls")
    missed = seat.card.locator(".row.missed.unseen")
    await expect(missed).to_contain_text("Mum")
    await expect(missed.locator(".name")).to_have_css("color", RED)
    # To be shown is not to be looked at.
    await seat.page.reload()
    await expect(seat.badge).to_have_text("1")
    assert await house.unseen() == "1"

    await seat.open_tab("Calls")
    await seat.button("Missed").click()
    await expect(seat.badge).to_be_hidden()
    await expect(missed).to_have_count(0)
    assert await house.unseen() == "0"
    row = seat.card.locator(".row.missed")
    await expect(row.locator(".name")).to_have_css("color", RED)
    await row.click()
    await expect(seat.live).to_contain_text("Mum")
    await expect(seat.live).to_contain_text("Ringing")
    call = house.last_call()
    assert (call.caller, call.callee) == (DOOR, MUM)


async def test_a_tap_on_a_missed_row_marks_it_as_seen(house: House) -> None:
    """Calling back is looking at it, too."""
    await house.miss()
    seat = await house.open()
    await expect(seat.badge).to_have_text("1")
    await seat.open_tab("Calls")
    await seat.rows.click()
    await expect(seat.badge).to_be_hidden()
    await expect(seat.live).to_contain_text("Mum")


async def test_a_name_is_text(house: House) -> None:
    """A caller whose name is a script is shown with it, and it does not run."""
    names = (
        "<img src=x onerror=\"document.title='run'\">",
        "<script>document.title='run'</script>",
    )
    numbers = ("07700900401", "07700900402")
    for name, number in zip(names, numbers, strict=True):
        await house.add_contact(name, number)
    seat = await house.open()
    for name, number in zip(names, numbers, strict=True):
        await expect(seat.card.get_by_text(name, exact=True)).to_be_visible()
        house.sandbox.incoming(number, GARDEN)
        await expect(seat.live.locator(".name")).to_have_text(name)
        house.hang_up()
        await expect(seat.live).to_have_count(0)
    await seat.open_tab("Calls")
    for name in names:
        await expect(seat.rows.filter(has_text=name)).to_be_visible()
    await expect(seat.card.locator("img[src=x]")).to_have_count(0)
    await expect(seat.card.locator("script")).to_have_count(0)
    assert await seat.page.title() != "run"
