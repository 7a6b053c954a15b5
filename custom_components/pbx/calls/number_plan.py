"""Which numbers are the same, and what they are, in the country of a PBX. Pure.

The countries' numbering plans come from `phonenumbers`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
import re
from typing import Final, NamedTuple

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumber, PhoneNumberFormat

from .emergency import is_emergency_number, without_codes
from .number import ANY_DIGIT, is_external

# At the end of a pattern, whatever follows.
_ANYTHING: Final = "*"
_NORTH_AMERICA: Final = "1"
# What is dialed for a plus sign in most countries.
_PLUS: Final = "00"


def load_numbering_plans(region: str | None) -> None:
    """Read the plans of all countries, and the short numbers of ours.

    It reads files for a second: in the event loop, nobody is to be the first to ask.
    """
    PhoneMetadata.load_all()
    if region is not None:
        PhoneMetadata.short_metadata_for_region(region)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberPlan:
    """What numbers mean where a PBX is.

    Attributes:
        region: its country, by the code of ISO 3166; None where it is not known.
        internal_digits: the most digits that an extension has.
    """

    region: str | None
    internal_digits: int

    def identity(self, number: str) -> str:
        """Return what only other ways to dial the same number have in common.

        It is the E.164 number of one that is valid and written with its country
        code or as it is dialed within the country. Any other number is the same
        as no other: an extension, one that lost its zero, one behind a prefix.
        """
        return _identity(number, self)

    def is_same(self, one: str, other: str) -> bool:
        """Return whether two dialed numbers are the same."""
        return self.identity(one) == self.identity(other)

    def is_external(self, number: str) -> bool:
        """Return whether a dialed number is one of the telephone network."""
        return is_external(number, self.internal_digits)

    def is_emergency(self, number: str, additions: Iterable[str] = ()) -> bool:
        """Return whether a dialed number may reach help, behind prefixes, too.

        Args:
            number: as `parse_number` returns it.
            additions: other numbers that count as such.
        """
        return is_emergency_number(number, self.region, frozenset(additions))

    def permits(self, patterns: Iterable[str], number: str) -> bool:
        """Return whether a number fits a pattern, as dialed or by a sure other form."""
        identity = self.identity(number)
        forms: dict[str, str] = {}
        if identity.startswith("+"):
            known = _forms(identity[1:], _dialing(self.region))
            forms = {
                form: needed
                for form, needed in known.items()
                if self.identity(form) == identity
            }
        return _fits(forms | {number: ""}, patterns)

    def forbids(self, patterns: Iterable[str], number: str) -> bool:
        """Return whether a number fits a pattern in any form that it may be dialed in.

        Whether there is such a number does not matter: a new range may not be
        known here. Codes such as ``*31#`` are looked through.
        """
        dialing = _dialing(self.region)
        forms: dict[str, str] = {}
        for dialed in without_codes(number):
            for digits in self._readings(dialed, dialing):
                forms |= _forms(digits, dialing)
                is_ours = dialing.code and digits.startswith(dialing.code)
                if is_ours and (known := _parsed(f"+{digits}", None)):
                    forms[_at_home(known)] = ""
            forms[dialed] = ""
        return _fits(forms, patterns)

    def _readings(self, number: str, dialing: _Dialing) -> Iterator[str]:
        """Return the digits after the plus sign that a number may stand for."""
        is_international = False
        for prefix in (r"\+", _PLUS, dialing.exit_prefix):
            if found := re.match(prefix, number):
                is_international = True
                yield number[found.end() :]
        if is_international or not dialing.code or not self.is_external(number):
            return
        trunk_prefix = dialing.trunk_prefix
        if number.startswith(trunk_prefix):
            yield dialing.code + number.removeprefix(trunk_prefix)
        elif dialing.code == _NORTH_AMERICA:
            yield dialing.code + number
        elif (own := _valid(number, self.region)) and _at_home(own) == number:
            yield _abroad(own)


class _Dialing(NamedTuple):
    """How numbers are dialed in a country.

    Attributes:
        code: what follows the plus sign; empty where the country is not known.
        trunk_prefix: what comes in its place within the country; or empty.
        exit_prefix: an expression of what is dialed for the plus sign.
        usual_exit_prefix: the one that people know.
    """

    code: str
    trunk_prefix: str
    exit_prefix: str
    usual_exit_prefix: str


@lru_cache
def _dialing(region: str | None) -> _Dialing:
    metadata = PhoneMetadata.metadata_for_region(region) if region else None
    if region is None or metadata is None:
        return _Dialing("", "", _PLUS, _PLUS)
    exit_prefix = metadata.international_prefix or _PLUS
    usual = re.sub(r"\D", "", metadata.preferred_international_prefix or exit_prefix)
    return _Dialing(
        code=str(metadata.country_code),
        trunk_prefix=phonenumbers.ndd_prefix_for_region(region, True) or "",  # noqa: FBT003 - the library's argument
        exit_prefix=exit_prefix,
        usual_exit_prefix=usual if re.fullmatch(exit_prefix, usual) else _PLUS,
    )


# No cache of rules: it depends on nothing but its arguments.
@lru_cache(maxsize=4096)
def _identity(number: str, plan: NumberPlan) -> str:
    if not plan.is_external(number) or not number.removeprefix("+").isdecimal():
        return number
    if (parsed := _valid(number, plan.region)) is None:
        return number
    identity = f"+{_abroad(parsed)}"
    # The library guesses: it takes numbers without their zero, and with two.
    if _is_written_out(number, identity, _dialing(plan.region)):
        return identity
    return number


def _is_written_out(number: str, identity: str, dialing: _Dialing) -> bool:
    """Return whether a number is dialed exactly as its E.164 number may be."""
    digits = identity[1:]
    exit_prefix = number.removesuffix(digits)
    return (
        number == identity
        or number in _national(digits, dialing)
        or re.fullmatch(dialing.exit_prefix, exit_prefix) is not None
    )


def _national(digits: str, dialing: _Dialing) -> Iterator[str]:
    """Return how a number is dialed within our country, if it is one of it."""
    if dialing.code and digits.startswith(dialing.code):
        national = digits.removeprefix(dialing.code)
        yield dialing.trunk_prefix + national
        if dialing.code == _NORTH_AMERICA:
            yield national


def _parsed(number: str, region: str | None) -> PhoneNumber | None:
    """Return a number as the library reads it, or guesses it; it may not be valid."""
    try:
        return phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None


def _valid(number: str, region: str | None) -> PhoneNumber | None:
    """Return a number, if there may be such."""
    parsed = _parsed(number, region)
    return parsed if parsed and phonenumbers.is_valid_number(parsed) else None


def _abroad(parsed: PhoneNumber) -> str:
    """Return the digits after the plus sign."""
    e164: str = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    return e164[1:]


def _at_home(parsed: PhoneNumber) -> str:
    """Return a number as it is dialed within its own country.

    Some have no trunk prefix where others have one, such as 1900 in Australia.
    """
    national = phonenumbers.format_number(parsed, PhoneNumberFormat.NATIONAL)
    return re.sub(r"\D", "", national)


def _forms(digits: str, dialing: _Dialing) -> dict[str, str]:
    """Return how an international number is dialed.

    Each form has what a pattern begins with that it may fit: ``00*`` is for calls
    abroad, and not for each call within the country.
    """
    international = {
        prefix + digits: "" for prefix in ("+", _PLUS, dialing.usual_exit_prefix)
    }
    national = dict.fromkeys(_national(digits, dialing), "")
    if not national:
        return international
    rest = digits.removeprefix(dialing.code)
    if dialing.trunk_prefix and rest.startswith(dialing.trunk_prefix):
        # Dialed with both of them.
        national[rest] = ""
    return {form: form.removesuffix(rest) for form in international} | national


def _fits(forms: Mapping[str, str], patterns: Iterable[str]) -> bool:
    return any(
        pattern.startswith(needed) and _expression(pattern).fullmatch(form)
        for pattern in patterns
        for form, needed in forms.items()
    )


@lru_cache
def _expression(pattern: str) -> re.Pattern[str]:
    body = pattern.removesuffix(_ANYTHING)
    digits = (re.escape(part) for part in body.split(ANY_DIGIT))
    return re.compile("[0-9]".join(digits) + ("" if body == pattern else ".*"))
