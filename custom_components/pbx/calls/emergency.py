"""Emergency numbers, and what people dial in front of a number.

The library's numbers and the table's together, as each knows of some that the other
does not. On the side of caution: what is an emergency number to some of a country's
telephones is one.
"""

from collections.abc import Iterator
from functools import lru_cache
import re
from typing import Final

import phonenumbers
from phonenumbers import PhoneMetadata
from phonenumbers.shortnumberinfo import SUPPORTED_SHORT_REGIONS

# Mobile phones reach help by these in most countries.
_EVERYWHERE: Final = frozenset({"112", "911", "999"})

# Where the country is not known: emergency numbers of many.
_ANYWHERE: Final = frozenset(
    ["000", "110", "112", "113", "115", "117", "118", "119", "911", "999"],
)

_TABLE: Final = {
    "AE": "996 997 998",
    "AF": "100 102 119",
    "AM": "101 102 103",
    "AR": "100 101 107",
    "AT": "122 133 140 144",
    "AU": "000 106",
    "AZ": "101 102 103",
    "BE": "100 101",
    "BG": "150 160 166",
    "BH": "199",
    "BR": "190 191 192 193",
    "CA": "988",
    "CH": "117 118 144 1414",
    "CN": "110 119 120 122",
    "CY": "199",
    "CZ": "150 155 156 158",
    "DE": "110",
    "DK": "114",
    "EE": "110",
    "EG": "122 123 126 128 129 180",
    "ES": "061 062 080 085 088 091 092",
    "FR": "15 17 18 114 115 119 191 196 197",
    "GE": "111",
    "GR": "100 108 166 199",
    "HR": "192 193 194 195",
    "HU": "104 105 107",
    "ID": "110 113 115 118 119",
    "IL": "100 101 102",
    "IN": "100 101 102 108",
    "IQ": "104 115 122",
    "IR": "110 113 114 115 123 125",
    "IT": "113 114 115 117 118 1530",
    "JP": "110 118 119",
    "KR": "119",
    "KZ": "101 102 103 104",
    "LB": "125 140 175",
    "LU": "113",
    "LV": "110 113",
    "MA": "15 19 177 190",
    "NO": "110 113",
    "NZ": "111",
    "OM": "9999",
    "PK": "15 16 115 1122",
    "PL": "986 997 998",
    "PT": "115",
    "RU": "101 102 103 104",
    "SA": "937 993 996 997 998",
    "SG": "995",
    "SI": "113",
    "SK": "150 155 158",
    "SY": "110 113",
    "TJ": "101 102 103",
    "TN": "190 197 198",
    "TR": "110 155 156 158 177",
    "UA": "101 102 103 104",
    "US": "988",
    "UZ": "101 102 103",
    "ZA": "10111 10177",
}

_LONGEST: Final = 6
_NUMBERS: Final = {name: frozenset(row.split()) for name, row in _TABLE.items()}
_KNOWN_REGIONS: Final = frozenset({*_TABLE, *SUPPORTED_SHORT_REGIONS})
# What is dialed in a PBX to get a line.
_OUTSIDE_LINE: Final = "0|9|00"
# What is dialed for a plus sign in most countries.
_PLUS: Final = "00"

# "*31#" hides the own number, and so does "*67" in North America. There, a code that
# begins with 2 or 3 may have three digits.
_CODES: Final = (
    re.compile(r"[*#]+[0-9]+#+"),
    re.compile(r"\*+[0-9]{2}"),
    re.compile(r"\*+[23][0-9]{2}"),
)


def is_emergency_number(
    number: str, region: str | None, additions: frozenset[str] = frozenset()
) -> bool:
    """Return whether a number may reach help, whatever is dialed in front of it.

    Args:
        number: as it is dialed.
        region: the country, by the code of ISO 3166; None where it is not known.
        additions: other numbers of up to six digits that count as such.
    """
    return any(
        _is_emergency(part, region, additions)
        for dialed in without_codes(number)
        for part in re.split(r"[*#]+", dialed)
    )


def without_codes(number: str) -> Iterator[str]:
    """Return a number, and what is left of it behind each code such as ``*31#``."""
    yield number
    for code in _CODES:
        if (found := code.match(number)) and (rest := number[found.end() :]):
            yield from without_codes(rest)


def _is_emergency(number: str, region: str | None, additions: frozenset[str]) -> bool:
    prefix = _prefix(region)
    return any(
        prefix.fullmatch(number[:-length])
        and _is_short(number[-length:], region, additions)
        for length in range(2, _LONGEST + 1)
    )


def _is_short(number: str, region: str | None, additions: frozenset[str]) -> bool:
    """Return whether a number reaches help, as it is."""
    if number in additions or number in _EVERYWHERE:
        return True
    if region is None or region not in _KNOWN_REGIONS:
        return number in _ANYWHERE
    return number in _NUMBERS.get(region, ()) or phonenumbers.is_emergency_number(
        number, region
    )


@lru_cache
def _prefix(region: str | None) -> re.Pattern[str]:
    """Return what may be dialed in front of an emergency number."""
    metadata = PhoneMetadata.metadata_for_region(region) if region else None
    home = metadata.country_code if metadata else ""
    exit_prefix = metadata.international_prefix if metadata else None
    # A PBX may drop a plus sign that it does not know.
    plus = rf"(?:\+|\+?{_PLUS}|{exit_prefix or _PLUS})"
    codes = "|".join(map(str, phonenumbers.COUNTRY_CODE_TO_REGION_CODE))
    # Not behind an outside line, too: 900 355 112 is a number of its own in Spain.
    return re.compile(
        rf"(?:{_OUTSIDE_LINE})?{plus}?(?:{home})?0?|{plus}(?:{codes})0{{0,2}}"
    )
