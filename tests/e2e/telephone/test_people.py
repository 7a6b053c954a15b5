"""Browser tests: others than the administrator, and two at the same time."""

from playwright.async_api import expect

from scripts.support.booted.pbx import set_dialing_rules

from .house import DOOR, GARDEN, KITCHEN, MUM, House


async def test_a_user_calls(house: House) -> None:
    """Somebody who is no administrator calls and looks at what was missed."""
    await house.miss()
    seat = await house.open("Anna")
    await expect(seat.badge).to_have_text("1")
    await seat.contact("Kitchen").click()
    await expect(seat.live).to_contain_text("Connected")
    call = house.last_call()
    assert (call.caller, call.callee) == (DOOR, KITCHEN)
    await seat.open_tab("Calls")
    await seat.button("Missed").click()
    await expect(seat.badge).to_be_hidden()


async def test_a_user_may_call_contacts_only(house: House) -> None:
    """Other numbers are for administrators, if the rules say so: at once, too."""
    seat = await house.open("Anna")
    await seat.open_tab("Keypad")
    digits = seat.card.locator("input.digits")
    await expect(digits).to_be_visible()
    await set_dialing_rules(house.home_assistant, house.entry_id, admins_only=True)
    await expect(digits).to_be_hidden()
    # What is left is the list of contacts.
    await expect(seat.card.get_by_role("tab", name="Keypad")).to_be_hidden()
    await seat.contact("Mum").click()
    await expect(seat.live).to_contain_text("Mum")
    admin = await house.open()
    await admin.open_tab("Keypad")
    await expect(admin.card.locator("input.digits")).to_be_visible()


async def test_a_read_only_user_looks(house: House) -> None:
    """Somebody who may only look sees calls, and nothing that is touched acts."""
    await house.miss()
    seat = await house.open("Guest")
    said: list[str] = []
    seat.page.on(
        "console", lambda each: said.append(each.text) if each.type == "error" else None
    )
    await expect(seat.badge).to_have_text("1")
    mum = seat.card.locator(".contacts .row").filter(has_text="Mum")
    await expect(mum).to_have_attribute("aria-disabled", "true")
    await mum.click(force=True)
    await expect(seat.button("Options for \u2068Mum\u2069")).to_be_hidden()
    await expect(seat.card.get_by_role("tab", name="Keypad")).to_be_hidden()
    await seat.open_tab("Calls")
    await seat.button("Missed").click()
    await expect(seat.rows).to_contain_text("Mum")
    await seat.rows.click(force=True)
    # What comes in is seen, which also shows that everything before has arrived.
    house.sandbox.incoming(MUM, GARDEN)
    await expect(seat.live).to_contain_text("Mum")
    house.hang_up()
    await expect(seat.badge).to_have_text("2")
    await expect(seat.card.locator(".error")).to_be_hidden()
    assert await house.unseen() == "2"
    assert [each.type for each in house.sandbox.calls] == ["incoming", "incoming"]
    assert said == []


async def test_two_look_at_the_same_time(house: House) -> None:
    """A call shows at both; what one has looked at turns at the other."""
    one, other = await house.open(), await house.open("Anna", width=400)
    for seat in (one, other):
        await expect(seat.contact("Kitchen")).to_be_visible()
    await other.contact("Kitchen").click()
    for seat in (one, other):
        await expect(seat.live).to_contain_text("Kitchen")
        await expect(seat.live).to_contain_text("Connected")
    house.hang_up()
    house.sandbox.incoming(MUM, GARDEN)
    for seat in (one, other):
        await expect(seat.live).to_have_class("coming")
    house.hang_up()
    for seat in (one, other):
        await expect(seat.live).to_have_count(0)
        await expect(seat.badge).to_have_text("1")
    await other.open_tab("Calls")
    await expect(other.card.locator(".row.unseen")).to_have_count(1)
    await one.open_tab("Calls")
    await one.button("Missed").click()
    await expect(other.card.locator(".row.unseen")).to_have_count(0)
    await expect(other.badge).to_be_hidden()
