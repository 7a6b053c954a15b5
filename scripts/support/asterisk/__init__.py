"""A real Asterisk on loopback only, with SIPp as its phones.

async with Asterisk() as asterisk:
    caller = await asterisk.phone("557", Behavior.ANSWER, ring=0.2)
    callee = await asterisk.phone("552", Behavior.RING_THEN_BUSY)
    ...  # connect to asterisk.url as asterisk.username with asterisk.password
    counts = await callee.stop()
    assert (counts.created, counts.sent["486"]) == (1, 1)

    # Incoming calls on the trunk, and calls between phones.
    external = await asterisk.dial("0215551234", "557", hang_up_after=1)
    await external.ended()
    await asterisk.dial("551", "552", give_up_after=2)

    # The far end of the trunk, for calls to external numbers.
    await asterisk.phone(TRUNK, Behavior.ANSWER, hang_up_after=3)
    await asterisk.restart()

    # A phone that records what it hears, and presses keys.
    phone = await asterisk.speaking_phone("557", Manner(person=presses("1")))
    call = await phone.call()
    await call.ended()
    call.heard  # 8 kHz, 16 bit
"""

from .configuration import (
    CONTEXT,
    PASSWORD,
    PHONES,
    READ_ONLY_PASSWORD,
    READ_ONLY_USERNAME,
    TRUNK,
    USERNAME,
)
from .messages import Counts, Message
from .phone import Phone
from .phone_call import Manner, SpeakingPhoneCall, presses
from .process import ProgramError
from .programs import NotInstalledError, Programs
from .scenarios import Behavior
from .server import Asterisk
from .speaking_phone import SpeakingPhone

__all__ = [
    "CONTEXT",
    "PASSWORD",
    "PHONES",
    "READ_ONLY_PASSWORD",
    "READ_ONLY_USERNAME",
    "TRUNK",
    "USERNAME",
    "Asterisk",
    "Behavior",
    "Counts",
    "Manner",
    "Message",
    "NotInstalledError",
    "Phone",
    "ProgramError",
    "Programs",
    "SpeakingPhone",
    "SpeakingPhoneCall",
    "presses",
]
