"""What may leave for a log, an error or a diagnostics file, and in which form."""

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
import html
import json
import re
from urllib.parse import quote, quote_plus

from .names import one_line

# What people and machines put between the digits of a number, marks that nobody
# sees among it. A colon is not: times of day stay readable.
_GAP = (
    r"(?:[,٫٬،]|[\s./()\[\]_'’·*-]"
    r"|[\u00ad\u200b-\u200f\u2010-\u2015\u202a-\u202e\u2060-\u2069\u2212\ufeff]){0,3}"
)
_DATE = rf"(?:19|20)\d\d-[01]\d-[0-3]\d(?:[ T]\d\d:\d\d(?::\d\d)?)?(?!{_GAP}\d)"
# Long enough to be somebody's number; shorter runs of digits are error codes,
# seconds and the like, without which a message would say nothing. Addresses in a
# network are private, too, and have as many digits.
_NUMBER_IN_TEXT = re.compile(rf"{_DATE}|(\+?\d(?:{_GAP}\d){{4,}})")
_SHORT_NUMBER = 4
_SHORTEST_SECRET = 4
_MAX_TEXT = 200
# Far more than is shown, so that no half of a secret is.
_MAX_READ = 20_000


def mask_number(number: str) -> str:
    """Return the number with all but its last two characters starred.

    Its length stays, which is what a maintainer needs to see that a leading
    zero was lost. A number of up to four characters is starred whole, and so is
    what has letters: a name.
    """
    if len(number) <= _SHORT_NUMBER or any(map(str.isalpha, number)):
        return "*" * len(number)
    return "*" * (len(number) - 2) + number[-2:]


def login_secrets(username: str, password: str) -> tuple[str, ...]:
    """Return what gives a login away: as it is typed, and as HTTP Basic sends it."""
    login = f"{username}:{password}".encode()
    tokens = (encode(login).decode() for encode in (b64encode, urlsafe_b64encode))
    return (username, password, *(token.rstrip("=") for token in tokens))


def clean_text(text: object, secrets: Iterable[str] = ()) -> str:
    """Return foreign text as one short line without numbers and secrets.

    Args:
        text: what a PBX or a library said, of any type.
        secrets: what the text might repeat and nobody is to read: credentials,
            and where the PBX is.
    """
    if not (line := one_line(str(text))):
        return line
    line = line[:_MAX_READ]
    spellings = {each for secret in secrets for each in _spellings(secret)}
    if spellings:
        # The longest first: one secret may be a part of another.
        in_order = sorted(spellings, key=len, reverse=True)
        pattern = "|".join(map(re.escape, in_order))
        line = re.sub(pattern, "***", line, flags=re.IGNORECASE)
    line = _NUMBER_IN_TEXT.sub(
        lambda found: mask_number(found[1]) if found[1] else found[0], line
    )
    return line if len(line) <= _MAX_TEXT else line[: _MAX_TEXT - 1] + "…"


def _spellings(secret: str) -> Iterator[str]:
    """Yield a secret as it may stand in a line, whoever has encoded it."""
    in_json = json.dumps(secret)[1:-1]
    for spelling in (
        secret,
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        in_json,
        in_json.replace("/", r"\/"),
        json.dumps(secret, ensure_ascii=False)[1:-1],
        html.escape(secret),
    ):
        # A shorter one is in every other word, and starring it would tell it.
        if len(line := one_line(spelling)) >= _SHORTEST_SECRET:
            yield line
