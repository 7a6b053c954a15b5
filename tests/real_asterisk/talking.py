"""Two people who talk: each hears what the other says."""

import asyncio

from scripts.support.asterisk import SpeakingPhoneCall
from scripts.support.tones import say

from .hearing import likeness

# What each of them says over and over. No word of them is in a message.
CALLER_SAYS = say("alpha bravo charlie delta")
CALLEE_SAYS = say("echo foxtrot golf hotel")
_ALIKE = 0.98
_PATIENCE = 10
_INTERVAL = 0.25


async def until_heard(call: SpeakingPhoneCall, said: bytes) -> None:
    """Wait until a phone has heard what was said.

    Raises:
        TimeoutError: it has not.
    """
    async with asyncio.timeout(_PATIENCE):
        while not has_heard(call, said):  # noqa: ASYNC110 - no event to wait for
            await asyncio.sleep(_INTERVAL)


async def until_both_hear(caller: SpeakingPhoneCall, callee: SpeakingPhoneCall) -> None:
    """Wait until the callee hears the caller, and the caller hears the callee.

    Raises:
        TimeoutError: they do not.
    """
    await until_heard(callee, CALLER_SAYS)
    await until_heard(caller, CALLEE_SAYS)


def has_heard(call: SpeakingPhoneCall, said: bytes) -> bool:
    """Return whether a phone has heard what was said."""
    return likeness(call.heard, said) >= _ALIKE
