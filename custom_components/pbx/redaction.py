"""What may leave for a log, an error or a diagnostics file, and in which form."""

from collections.abc import Iterable
import re

from .names import breaks_line

# Long enough to be somebody's number; shorter runs of digits are error codes,
# seconds and the like, without which a message would say nothing.
_NUMBER_IN_TEXT = re.compile(r"\+?\d{5,}")
_SHORT_NUMBER = 4
_SHORTEST_SECRET = 4
_MAX_TEXT = 200


def mask_number(number: str) -> str:
    """Return the number with all but its last two characters starred.

    Its length stays, which is what a maintainer needs to see that a leading
    zero was lost. A number of up to four characters is starred whole.
    """
    if len(number) <= _SHORT_NUMBER:
        return "*" * len(number)
    return "*" * (len(number) - 2) + number[-2:]


def clean_text(text: object, secrets: Iterable[str] = ()) -> str:
    """Return foreign text as one short line without numbers and secrets.

    Args:
        text: what a PBX or a library said, of any type.
        secrets: credentials that the text might repeat.
    """
    if not (line := str(text)):
        return line
    if not line.isprintable():
        line = "".join(" " if breaks_line(sign) else sign for sign in line)
    line = " ".join(line.split())
    for secret in secrets:
        # A shorter one is in every other word, and starring it would tell it.
        if len(secret) >= _SHORTEST_SECRET:
            line = line.replace(secret, "***")
    line = _NUMBER_IN_TEXT.sub(lambda found: mask_number(found[0]), line)
    return line if len(line) <= _MAX_TEXT else line[: _MAX_TEXT - 1] + "…"
