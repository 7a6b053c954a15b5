"""What a Simotel tells of its own clock.

Source: Simotel's v4 document of the originate request, whose sample answers
with ``orig.call.1703145054.787335``; that this is a time is not documented. The
name of a conversation is Asterisk's: the second in which it began, and a number.
"""

import re

# Numbers that are longer than any time are turned away by the pattern.
_CONVERSATION_ID = re.compile(r"(?:.*-)?(\d{10})\.\d+", re.ASCII)
_CALL_ID = re.compile(r"orig\.call\.(\d{1,15}(?:\.\d{1,9})?)", re.ASCII)


def call_time(originated_call_id: str) -> float | None:
    """Return the Unix time in a call's id, if it has one."""
    found = _CALL_ID.fullmatch(originated_call_id)
    return float(found[1]) if found else None


def conversation_time(conversation_id: str) -> float | None:
    """Return the Unix time at which a conversation began, if its id tells it."""
    found = _CONVERSATION_ID.fullmatch(conversation_id)
    return float(found[1]) if found else None
