"""What the other side sees: a number, or on some PBXs a name."""

from .names import is_name
from .phone_number import InvalidNumberError, NumberFault, normalise_number


def parse_caller_id(text: str, *, may_be_name: bool) -> str:
    """Return a caller ID as the PBX takes it.

    Args:
        text: as somebody has written it.
        may_be_name: whether the PBX takes a name in place of a number.

    Raises:
        InvalidNumberError: it is no number, and may be nothing else.
        ValueError: it is a name of more than one line.
    """
    try:
        return normalise_number(text)
    except InvalidNumberError as err:
        # Of other faults, such as a length, a name has none.
        if not may_be_name or err.fault is not NumberFault.CHARACTER:
            raise
    if not is_name(text):
        raise ValueError("not one line")
    return text.strip()
