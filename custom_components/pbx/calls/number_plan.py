"""Comparison of numbers, and matching of patterns, by the country's numbering plan.

The numbering plans come from `phonenumbers`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
import re
from typing import Final, NamedTuple

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumber, PhoneNumberFormat

from .emergency import is_emergency_number, strip_codes
from .number import ANY_DIGIT, is_external

# Matches any remaining characters at the end of a pattern.
_ANY_SUFFIX: Final = "*"
_NORTH_AMERICA: Final = "1"
# The international prefix of most countries, dialed in place of a plus sign.
_PLUS: Final = "00"


def load_numbering_plans(region: str | None) -> None:
    """Load the numbering plans of all countries and the short numbers of a region.

    This reads files for about a second, so it must run outside of the event loop
    before the plans are used.
    """
    PhoneMetadata.load_all()
    if region is not None:
        PhoneMetadata.short_metadata_for_region(region)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberPlan:
    """The numbering plan of a PBX.

    Attributes:
        region: ISO 3166 code of the country; None if unknown.
        internal_digits: maximum number of digits of an extension.
    """

    region: str | None
    internal_digits: int

    def identity(self, number: str) -> str:
        """Return the canonical form of a number, for comparison.

        The form is E.164 if the number is valid and written with its country code or
        as dialed within the country. Any other number only equals itself, such as an
        extension, or a number that lost its zero or has a prefix.
        """
        return _identity(number, self)

    def is_same(self, one: str, other: str) -> bool:
        """Return whether two dialed numbers are the same."""
        return self.identity(one) == self.identity(other)

    def is_external(self, number: str) -> bool:
        """Return whether a number is external, and not an extension."""
        return is_external(number, self.internal_digits)

    def is_emergency(self, number: str, additions: Iterable[str] = ()) -> bool:
        """Return whether a number may reach emergency services, even after prefixes.

        Args:
            number: number as returned by `parse_number`.
            additions: additional emergency numbers.
        """
        return is_emergency_number(number, self.region, frozenset(additions))

    def restored(self, number: str) -> Sequence[str]:
        """Return what a number may have been before it lost its plus sign or zeros."""
        trunk_prefix = _dialing(self.region).trunk_prefix
        return [prefix + number for prefix in (trunk_prefix, "+", _PLUS) if prefix]

    def permits(self, patterns: Iterable[str], number: str) -> bool:
        """Return whether a pattern matches a number as dialed or in an equal form."""
        identity = self.identity(number)
        forms: dict[str, str] = {}
        if identity.startswith("+"):
            known = _dialed_forms(identity[1:], _dialing(self.region))
            forms = {
                form: needed
                for form, needed in known.items()
                if self.identity(form) == identity
            }
        return _matches(forms | {number: ""}, patterns)

    def forbids(self, patterns: Iterable[str], number: str) -> bool:
        """Return whether a pattern matches any form in which a number may be dialed.

        The number can be invalid, as `phonenumbers` might not know a new range.
        Codes such as ``*31#`` before the number are ignored.
        """
        dialing, patterns = _dialing(self.region), tuple(patterns)
        forms: dict[str, str] = {}
        for dialed in strip_codes(number):
            # A country may have several international prefixes.
            if any(self.is_same(pattern, dialed) for pattern in patterns):
                return True
            for digits in self._international_readings(dialed, dialing):
                forms |= _dialed_forms(digits, dialing)
                is_national = dialing.code and digits.startswith(dialing.code)
                if is_national and (known := _parse(f"+{digits}", None)):
                    forms[_national_number(known)] = ""
            forms[dialed] = ""
        return _matches(forms, patterns)

    def _international_readings(
        self, number: str, dialing: _DialingPlan
    ) -> Iterator[str]:
        """Yield the international digits that a number may stand for."""
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
        elif (own := _parse_valid(number, self.region)) and _national_number(
            own
        ) == number:
            yield _international_digits(own)


class _DialingPlan(NamedTuple):
    """How numbers are dialed in a country.

    Attributes:
        code: country code; empty if the country is unknown.
        trunk_prefix: prefix of national numbers; may be empty.
        exit_prefix: regular expression of the prefixes of international numbers.
        usual_exit_prefix: the most common of these prefixes.
    """

    code: str
    trunk_prefix: str
    exit_prefix: str
    usual_exit_prefix: str


@lru_cache
def _dialing(region: str | None) -> _DialingPlan:
    metadata = PhoneMetadata.metadata_for_region(region) if region else None
    if region is None or metadata is None:
        return _DialingPlan("", "", _PLUS, _PLUS)
    exit_prefix = metadata.international_prefix or _PLUS
    usual = re.sub(r"\D", "", metadata.preferred_international_prefix or exit_prefix)
    return _DialingPlan(
        code=str(metadata.country_code),
        trunk_prefix=phonenumbers.ndd_prefix_for_region(region, True) or "",  # noqa: FBT003 - the library's argument
        exit_prefix=exit_prefix,
        usual_exit_prefix=usual if re.fullmatch(exit_prefix, usual) else _PLUS,
    )


# Caching is safe, as the result depends only on the arguments.
@lru_cache(maxsize=4096)
def _identity(number: str, plan: NumberPlan) -> str:
    if not plan.is_external(number) or not number.removeprefix("+").isdecimal():
        return number
    if (parsed := _parse_valid(number, plan.region)) is None:
        return number
    identity = f"+{_international_digits(parsed)}"
    # The library also accepts numbers without their trunk prefix, or with two.
    if _is_written_out(number, identity, _dialing(plan.region)):
        return identity
    return number


def _is_written_out(number: str, identity: str, dialing: _DialingPlan) -> bool:
    """Return whether a number is a form in which its E.164 number is dialed."""
    digits = identity[1:]
    exit_prefix = number.removesuffix(digits)
    return (
        number == identity
        or number in _national_forms(digits, dialing)
        or re.fullmatch(dialing.exit_prefix, exit_prefix) is not None
    )


def _national_forms(digits: str, dialing: _DialingPlan) -> Iterator[str]:
    """Yield the national forms of international digits of our own country."""
    if dialing.code and digits.startswith(dialing.code):
        national = digits.removeprefix(dialing.code)
        yield dialing.trunk_prefix + national
        if dialing.code == _NORTH_AMERICA:
            yield national


def _parse(number: str, region: str | None) -> PhoneNumber | None:
    """Return a number as the library parses it, valid or not; None if it cannot."""
    try:
        return phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None


def _parse_valid(number: str, region: str | None) -> PhoneNumber | None:
    """Return a parsed number if it is valid."""
    parsed = _parse(number, region)
    return parsed if parsed and phonenumbers.is_valid_number(parsed) else None


def _international_digits(parsed: PhoneNumber) -> str:
    """Return the digits of the E.164 number, without the plus sign."""
    e164: str = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    return e164[1:]


def _national_number(parsed: PhoneNumber) -> str:
    """Return a number as dialed within its own country.

    Some numbers have no trunk prefix while others do, such as 1900 in Australia.
    """
    national = phonenumbers.format_number(parsed, PhoneNumberFormat.NATIONAL)
    return re.sub(r"\D", "", national)


def _dialed_forms(digits: str, dialing: _DialingPlan) -> dict[str, str]:
    """Return the forms in which an international number may be dialed.

    Maps each form to the prefix that a pattern must have to match it: ``00*`` is meant
    for calls abroad, and must not match national numbers.
    """
    international = {
        prefix + digits: "" for prefix in ("+", _PLUS, dialing.usual_exit_prefix)
    }
    national = dict.fromkeys(_national_forms(digits, dialing), "")
    if not national:
        return international
    rest = digits.removeprefix(dialing.code)
    if dialing.trunk_prefix and rest.startswith(dialing.trunk_prefix):
        # The number has both the country code and the trunk prefix.
        national[rest] = ""
    return {form: form.removesuffix(rest) for form in international} | national


def _matches(forms: Mapping[str, str], patterns: Iterable[str]) -> bool:
    return any(
        pattern.startswith(needed) and _pattern_regex(pattern).fullmatch(form)
        for pattern in patterns
        for form, needed in forms.items()
    )


@lru_cache
def _pattern_regex(pattern: str) -> re.Pattern[str]:
    body = pattern.removesuffix(_ANY_SUFFIX)
    digits = (re.escape(part) for part in body.split(ANY_DIGIT))
    return re.compile("[0-9]".join(digits) + ("" if body == pattern else ".*"))
