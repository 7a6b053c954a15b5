"""Redaction of private data in logs, errors and diagnostics."""

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable
import html
import json
import re
import unicodedata
from urllib.parse import quote, quote_plus

# Control characters, line and paragraph separators, and lone surrogates. Other
# invisible characters are allowed, as Persian words contain joiners.
_BREAKING_CATEGORIES = frozenset({"Cc", "Zl", "Zp", "Cs"})
# Characters between the digits of a phone number, including invisible ones. A colon,
# and a comma before a space, are not included, so that times of day and lists of short
# numbers stay readable.
_MARK = (
    r"[\s+*./_~()\[\]'\u2019\u00b7\u2212\u2010-\u2015"
    r"\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff-]"
)
_GAP = rf"(?:[,\u060c\u066b\u066c]|(?:{_MARK}|%2[0-9a-f]){{1,5}})?"
_DATE = rf"(?:19|20)\d\d-[01]\d-[0-3]\d(?:[ T]\d\d:\d\d(?::\d\d)?)?(?!{_GAP}\d)"
# Long enough to be a phone number. Shorter runs of digits are error codes, seconds and
# the like, which a message needs. IP addresses are private as well, and have as many
# digits.
_NUMBER_IN_TEXT = re.compile(rf"{_DATE}|(\+?\d(?:{_GAP}\d){{4,}})", re.IGNORECASE)
_SHORT_NUMBER = 4
_SHORTEST_SECRET = 4
_MAX_TEXT = 200
# Far more than is shown, so that a secret is never cut in half before it is masked.
_MAX_READ = 20_000


def _breaks_line(character: str) -> bool:
    """Return whether a character is not allowed within a line of text."""
    return unicodedata.category(character) in _BREAKING_CATEGORIES


def is_name(text: str) -> bool:
    """Return whether a text is usable as a name: a single line, possibly empty."""
    return text.isprintable() or not any(map(_breaks_line, text))


def one_line(text: str) -> str:
    """Return a text as one line, with runs of whitespace replaced by a space."""
    if not text.isprintable():
        text = "".join(" " if _breaks_line(char) else char for char in text)
    return " ".join(text.split())


def mask_number(number: str) -> str:
    """Return the number with all but its last two characters masked.

    The length is kept, so that a missing leading zero can be recognized. A number of
    up to four characters is masked completely, and so is a name: a text with letters.
    """
    if len(number) <= _SHORT_NUMBER or any(map(str.isalpha, number)):
        return "*" * len(number)
    return "*" * (len(number) - 2) + number[-2:]


def secret_forms(*secrets: str) -> tuple[str, ...]:
    """Return all encoded forms in which secrets may occur in a text."""
    return tuple({form for secret in secrets for form in _forms_of(secret)})


def login_forms(username: str, password: str) -> tuple[str, ...]:
    """Return all encoded forms of a login, including HTTP basic authentication."""
    login = f"{username}:{password}".encode()
    tokens = (encode(login).decode() for encode in (b64encode, urlsafe_b64encode))
    return secret_forms(username, password, *(token.rstrip("=") for token in tokens))


def clean_text(text: object, secrets: Iterable[str] = ()) -> str:
    """Return external text as one short line, with numbers and secrets masked.

    Args:
        text: from a PBX or a library, of any type.
        secrets: to be masked, in all encoded forms: credentials, and the PBX's host.
    """
    if not (line := one_line(str(text))):
        return line
    line = _mask_secrets(line[:_MAX_READ], secrets)
    line = _NUMBER_IN_TEXT.sub(
        lambda found: mask_number(found[1]) if found[1] else found[0], line
    )
    return line if len(line) <= _MAX_TEXT else line[: _MAX_TEXT - 1] + "…"


def _mask_secrets(line: str, secrets: Iterable[str]) -> str:
    # The line has single spaces, so the secrets need single spaces, too. A shorter
    # secret is part of many words, and masking it there would reveal it.
    words = {word for s in secrets if len(word := one_line(s)) >= _SHORTEST_SECRET}
    if not words:
        return line
    # Longest first: a secret may be part of another one.
    in_order = sorted(words, key=len, reverse=True)
    pattern = "|".join(map(re.escape, in_order))
    return re.sub(pattern, "***", line, flags=re.IGNORECASE)


def _forms_of(secret: str) -> tuple[str, ...]:
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
