"""Browser tests: the card in the editor, and the dashboard *Telephone*."""

from pathlib import Path

from playwright.async_api import expect
import pytest

from .house import DASHBOARD, MUM, House

STRATEGY = {"strategy": {"type": "custom:pbx-telephone"}}


async def test_an_edited_dashboard_dials_nothing(house: House) -> None:
    """While the dashboard is edited, and in a preview, nothing can be dialed."""
    seat = await house.sit_down()
    await seat.open(f"/{DASHBOARD}/home?edit=1")
    mum = seat.contact("Mum")
    await expect(mum).to_have_attribute("aria-disabled", "true")
    await mum.click(force=True)
    # A preview shows what happens at another place in the page.
    await seat.page.get_by_role("button", name="Edit", exact=True).first.click()
    preview = seat.page.locator("hui-dialog-edit-card pbx-phone-card")
    await expect(preview.get_by_text("Mum", exact=True)).to_be_visible()
    option = preview.get_by_role("button", name="Options for \u2068Mum\u2069")
    await expect(option).to_have_attribute("aria-disabled", "true")
    await preview.get_by_text("Mum", exact=True).click(force=True)
    form = seat.page.locator("hui-dialog-edit-card")
    await expect(form.get_by_role("textbox", name="Title")).to_be_visible()
    for name in ("PBX", "Caller", "Ask before calling"):
        await expect(form.get_by_role("button", name=name).first).to_be_attached()
    # What comes in shows that everything before has arrived.
    house.sandbox.incoming(MUM, "104")
    await expect(preview.locator(".live li")).to_contain_text("Mum")
    assert [call.type for call in house.sandbox.calls] == ["incoming"]


async def test_the_card_is_offered(house: House) -> None:
    """The picker draws the card; a click there adds it, and dials nothing."""
    seat = await house.sit_down()
    await seat.open(f"/{DASHBOARD}/home?edit=1")
    await seat.page.get_by_role("button", name="Add card").first.click()
    picker = seat.page.locator("hui-dialog-create-card")
    await picker.get_by_text("By card", exact=True).click()
    await picker.locator("hui-card-picker input").first.fill("Telephone")
    drawn = picker.locator("pbx-phone-card")
    await expect(drawn.get_by_text("Mum", exact=True)).to_be_visible()
    box = await drawn.get_by_text("Mum", exact=True).bounding_box()
    assert box is not None
    await seat.page.mouse.click(box["x"] + 5, box["y"] + 5)
    editor = seat.page.locator("hui-dialog-edit-card pbx-phone-card")
    await expect(editor.get_by_text("Mum", exact=True)).to_be_visible()
    house.sandbox.incoming(MUM, "104")
    await expect(editor.locator(".live li")).to_contain_text("Mum")
    assert [call.type for call in house.sandbox.calls] == ["incoming"]


@pytest.mark.parametrize(
    ("language", "name", "card"),
    [("en", "Telephone", "Contacts"), ("fa", "تلفن", "مخاطبان")],
)
async def test_a_new_dashboard(
    house: House, language: str, name: str, card: str
) -> None:
    """The dashboard is offered in the user's language, and is there when it is made."""
    seat = await house.sit_down(language=language)
    page = seat.page
    await seat.open("/config/lovelace/dashboards")
    await page.locator("[slot=fab]").first.click()
    dialog = page.locator("ha-dialog").filter(has_text=name)
    await dialog.get_by_text(name, exact=True).click()
    form = page.locator("dialog-lovelace-dashboard-detail")
    await form.locator("ha-button[slot=primaryAction]").click()
    await expect(form.locator("ha-button[slot=primaryAction]")).to_be_hidden()
    command = house.home_assistant.client.command
    dashboards = await command("lovelace/dashboards/list")
    (made,) = (each for each in dashboards if each["title"] == name and "icon" in each)
    try:
        assert made["icon"] == "mdi:phone"
        await seat.open(f"/{made['url_path']}")
        await expect(seat.card).to_have_count(2)
        await expect(seat.card.get_by_text(card, exact=True).first).to_be_visible()
    finally:
        await command("lovelace/dashboards/delete", dashboard_id=made["id"])


async def test_the_dashboard_builds_itself(house: House, screenshots: Path) -> None:
    """It has the card, and tiles of what is known: phones of which one has heard."""
    await house.show(STRATEGY)
    seat = await house.open()
    await expect(seat.card).to_have_count(2)
    await expect(seat.contact("Mum")).to_be_visible()
    tiles = seat.page.locator("hui-tile-card")
    await expect(tiles.filter(has_text="Missed calls")).to_be_visible()
    await expect(tiles.filter(has_text="Garden")).to_be_hidden()
    await seat.contact("Kitchen").click()
    await expect(seat.live).to_contain_text("Connected")
    await expect(tiles.filter(has_text="Kitchen")).to_contain_text("In use")
    for width in (1280, 400):
        await seat.page.set_viewport_size({"width": width, "height": 900})
        await expect(seat.live).to_contain_text("Connected")
        await seat.page.screenshot(path=screenshots / f"telephone-{width}.png")


async def test_the_dashboard_follows_names(house: House) -> None:
    """A device that is renamed has its new name at once, without a reload."""
    await house.show(STRATEGY)
    seat = await house.open()
    await expect(seat.page.get_by_text("Simotel", exact=True)).to_be_visible()
    command = house.home_assistant.client.command
    devices = await command("config/device_registry/list")
    (pbx,) = (each for each in devices if each["name"] == "Simotel")
    rename = "config/device_registry/update"
    await command(rename, device_id=pbx["id"], name_by_user="Our exchange")
    try:
        await expect(seat.page.get_by_text("Our exchange", exact=True)).to_be_visible()
    finally:
        await command(rename, device_id=pbx["id"], name_by_user=None)


async def test_the_dashboard_is_never_empty(house: House) -> None:
    """After the only PBX was removed, it says what to do, without an error."""
    await house.show(STRATEGY)
    seat = await house.open()
    await expect(seat.contact("Mum")).to_be_visible()
    await house.remove_pbx()
    notice = seat.page.get_by_text("No PBX has been added yet.")
    await expect(notice.first).to_be_visible()
    await expect(seat.page.locator("hui-error-card")).to_have_count(0)
