"""What may leave for a log, an error or a diagnostics file, and in which form."""

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable
import html
import json
import re
import unicodedata
from urllib.parse import quote, quote_plus

# Control characters, line and paragraph separators, and halves of characters.
# Not all that is invisible: Persian has joiners in its words.
_BREAKING_CATEGORIES = frozenset({"Cc", "Zl", "Zp", "Cs"})
# What people and machines put between the digits of a number, marks that nobody
# sees among it. A colon is not, nor a comma before a space: times of day and lists
# of short numbers stay readable.
_MARK = (
    r"[\s+*./_~()\[\]'\u2019\u00b7\u2212\u2010-\u2015"
    r"\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff-]"
)
_GAP = rf"(?:[,\u060c\u066b\u066c]|(?:{_MARK}|%2[0-9a-f]){{1,5}})?"
_DATE = rf"(?:19|20)\d\d-[01]\d-[0-3]\d(?:[ T]\d\d:\d\d(?::\d\d)?)?(?!{_GAP}\d)"
# Long enough to be somebody's number; shorter runs of digits are error codes,
# seconds and the like, without which a message would say nothing. Addresses in a
# network are private, too, and have as many digits.
_NUMBER_IN_TEXT = re.compile(rf"{_DATE}|(\+?\d(?:{_GAP}\d){{4,}})", re.IGNORECASE)
_SHORT_NUMBER = 4
_SHORTEST_SECRET = 4
_MAX_TEXT = 200
# Far more than is shown, so that no half of a secret is.
_MAX_READ = 20_000


def _breaks_line(character: str) -> bool:
    """Return whether a character has no place within a line of text."""
    return unicodedata.category(character) in _BREAKING_CATEGORIES


def is_name(text: str) -> bool:
    """Return whether a text can name something: it is one line, perhaps empty."""
    return text.isprintable() or not any(map(_breaks_line, text))


def one_line(text: str) -> str:
    """Return a text as one line, with single spaces where it has any."""
    if not text.isprintable():
        text = "".join(" " if _breaks_line(sign) else sign for sign in text)
    return " ".join(text.split())


def mask_number(number: str) -> str:
    """Return the number with all but its last two characters starred.

    Its length stays, which is what a maintainer needs to see that a leading
    zero was lost. A number of up to four characters is starred whole, and so is
    what has letters: a name.
    """
    if len(number) <= _SHORT_NUMBER or any(map(str.isalpha, number)):
        return "*" * len(number)
    return "*" * (len(number) - 2) + number[-2:]


def spellings(*secrets: str) -> tuple[str, ...]:
    """Return all forms of secrets, which whoever repeats them may have encoded."""
    return tuple({form for secret in secrets for form in _spellings(secret)})


def login_spellings(username: str, password: str) -> tuple[str, ...]:
    """Return all forms of a login, that of HTTP Basic among them."""
    login = f"{username}:{password}".encode()
    tokens = (encode(login).decode() for encode in (b64encode, urlsafe_b64encode))
    return spellings(username, password, *(token.rstrip("=") for token in tokens))


def clean_text(text: object, secrets: Iterable[str] = ()) -> str:
    """Return foreign text as one short line without numbers and secrets.

    Args:
        text: what a PBX or a library said, of any type.
        secrets: what the text might repeat and nobody is to read, in all its
            spellings: credentials, and where the PBX is.
    """
    if not (line := one_line(str(text))):
        return line
    line = _star(line[:_MAX_READ], secrets)
    line = _NUMBER_IN_TEXT.sub(
        lambda found: mask_number(found[1]) if found[1] else found[0], line
    )
    return line if len(line) <= _MAX_TEXT else line[: _MAX_TEXT - 1] + "…"


def _star(line: str, secrets: Iterable[str]) -> str:
    # As the line has it, blanks are single ones in a secret, too. A shorter one is
    # in every other word, and starring it would tell it.
    words = {word for s in secrets if len(word := one_line(s)) >= _SHORTEST_SECRET}
    if not words:
        return line
    # The longest first: one may be a part of another.
    in_order = sorted(words, key=len, reverse=True)
    pattern = "|".join(map(re.escape, in_order))
    return re.sub(pattern, "***", line, flags=re.IGNORECASE)


def _spellings(secret: str) -> tuple[str, ...]:
    in_json = json.dumps(secret)[1:-1]
    return (
        secret,
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        in_json,
        in_json.replace("/", r"\/"),
        json.dumps(secret, ensure_ascii=False)[1:-1],
        html.escape(secret),
    )
