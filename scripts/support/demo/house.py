"""The house of the demo: a family, its phone book, and the calls of the last minute."""

import asyncio
from dataclasses import replace
from urllib.parse import quote

from sandbox import Manner, Phone, Sandbox, SandboxCall

from ..booted.client import Json
from ..booted.home_assistant import BootedHomeAssistant
from ..booted.pbx import DOMAIN, add_contact, add_pbx, connect_events
from .calls import ended

_KITCHEN, _LIVING_ROOM, _WORKSHOP, _GARDEN = "101", "102", "103", "104"
_GARAGE, _DOOR_STATION, _OFFICE = "105", "106", "107"
EXTENSIONS = (
    _KITCHEN,
    _LIVING_ROOM,
    _WORKSHOP,
    _GARDEN,
    _GARAGE,
    _DOOR_STATION,
    _OFFICE,
)
# Home Assistant has a kitchen and a living room from the start.
AREAS = ("Workshop", "Garden", "Garage", "Office")

# Numbers that are reserved for fiction.
_MUM, _DAD, _SARA = "07700900118", "07700900145", "07700900162"
_GRANDMA, _DOCTOR, _PLUMBER = "01632960171", "02079460190", "01632960122"
# Somebody who is in no phone book.
_STRANGER = "01614960133"

# The persons of Home Assistant, and the colors of hair and clothes in their pictures.
PERSONS = {
    "Mum": ("#5d4037", "#c2185b"),
    "Dad": ("#37474f", "#1565c0"),
    "Sara": ("#f9a825", "#00897b"),
}
_PICTURE = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 80 80">
<rect width="80" height="80" fill="#cfd8dc"/>
<circle cx="40" cy="30" r="20" fill="{hair}"/>
<ellipse cx="40" cy="82" rx="32" ry="26" fill="{clothes}"/>
<rect x="34" y="44" width="12" height="18" rx="6" fill="#e8b78f"/>
<ellipse cx="40" cy="36" rx="14" ry="17" fill="#f3cba5"/>
</svg>"""
CONTACTS: tuple[Json, ...] = (
    {"name": "Mum", "number": _MUM, "person": "person.mum", "aliases": ["Mom"]},
    {"name": "Dad", "number": _DAD, "person": "person.dad"},
    {"name": "Sara", "number": _SARA, "person": "person.sara"},
    {"name": "Grandma", "number": _GRANDMA},
    {"name": "Doctor", "number": _DOCTOR},
    {"name": "Plumber", "number": _PLUMBER},
)

_FAMILY = (
    Phone(_MUM, "Mum", after=2, hang_up_after=6, lines=2),
    Phone(_DAD, "Dad", after=2, hang_up_after=8, gives_up_after=3),
    Phone(
        _SARA,
        "Sara",
        lines=2,
        # The call that is on when the dashboard opens.
        as_caller=Manner(hang_up_after=180),
        as_callee=Manner(after=1, hang_up_after=4),
    ),
    Phone(_GRANDMA, "Grandma", after=3, hang_up_after=5),
    Phone(_DOCTOR, "Doctor", behavior="busy", after=1),
    Phone(_PLUMBER, "Plumber", behavior="no_answer"),
    Phone(_STRANGER, gives_up_after=2),
)
# Everybody is at home during the first calls, except in the garden.
_AT_HOME = Manner(behavior="answer", after=1)
_AWAY = Manner(behavior="no_answer")


async def add_house(home_assistant: BootedHomeAssistant, sandbox: Sandbox) -> Json:
    """Add the PBX, the family and its contacts; return the entry of the PBX."""
    client = home_assistant.client
    # An extension gets the area of its name where there is one.
    for area in AREAS:
        await client.command("config/area_registry/create", name=area)
    for name, (hair, clothes) in PERSONS.items():
        svg = _PICTURE.format(hair=hair, clothes=clothes)
        picture = f"data:image/svg+xml,{quote(svg)}"
        await client.command(
            "person/create", name=name, picture=picture, device_trackers=[]
        )
    entry = await add_pbx(
        home_assistant, sandbox, extensions=EXTENSIONS, caller=_KITCHEN, timeout=20
    )
    for contact in CONTACTS:
        await add_contact(home_assistant, entry["entry_id"], voice=True, **contact)
    return entry


def furnish(sandbox: Sandbox) -> None:
    """Give the sandbox the phones of the family."""
    sandbox.configure(external=(*_FAMILY, *sandbox.config.external))


async def live(
    home_assistant: BootedHomeAssistant, sandbox: Sandbox, entry_id: str
) -> None:
    """Have calls: one for each phone and each contact, and one that goes on.

    The PBX reports the state of a phone when it changes.
    """
    await connect_events(home_assistant, sandbox, entry_id)
    usual = sandbox.config.phones
    sandbox.configure(phones=tuple(map(_during_the_first_calls, usual)))
    async with asyncio.TaskGroup() as calls:
        for call in (
            _place(home_assistant, sandbox, _KITCHEN, "Mum"),
            _place(home_assistant, sandbox, _OFFICE, "Doctor"),
            _place(home_assistant, sandbox, _WORKSHOP, "Plumber", timeout=5),
            _place(home_assistant, sandbox, _GARAGE, "Sara"),
            ended(sandbox.incoming(_GRANDMA, _LIVING_ROOM)),
            _miss(sandbox),
        ):
            calls.create_task(call)
    await _place(home_assistant, sandbox, _DOOR_STATION, "Kitchen", call_limit=2)
    await _until_connected(sandbox.incoming(_SARA, _OFFICE))
    sandbox.configure(phones=usual)


async def _miss(sandbox: Sandbox) -> None:
    """Call a phone where nobody is: somebody unknown, and somebody known twice."""
    for caller in (_STRANGER, _DAD, _DAD):
        await ended(sandbox.incoming(caller, _GARDEN))


def _during_the_first_calls(phone: Phone) -> Phone:
    as_callee = _AWAY if phone.number == _GARDEN else _AT_HOME
    return replace(phone, as_caller=_AT_HOME, as_callee=as_callee)


async def _place(
    home_assistant: BootedHomeAssistant,
    sandbox: Sandbox,
    caller: str,
    callee: str,
    **more: object,
) -> SandboxCall:
    """Call a contact by name, and wait for the end of the call."""
    data = {"caller": caller, "callee": callee, **more}
    response = await home_assistant.call_action(
        DOMAIN, "originate", data, return_response=True
    )
    call_id = (response or {})["originated_call_id"]
    return await ended(next(call for call in sandbox.calls if call.id == call_id))


async def _until_connected(call: SandboxCall) -> None:
    while call.state == "ringing_callee":  # noqa: ASYNC110 - a call has no event to wait for
        await asyncio.sleep(0.05)
