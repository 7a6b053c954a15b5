"""What telephone numbers look like in each country, as far as the rules need it.

From public knowledge, and on the side of caution: what is an emergency number to
some of a country's phones is in its list.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Country(NamedTuple):
    """A country's numbers.

    Attributes:
        code: what follows the plus sign.
        trunk_prefix: what comes in its place within the country.
        exit_prefix: what is dialled there for the plus sign.
        emergency: the numbers of police, ambulance, fire brigade and the like.
    """

    code: str
    trunk_prefix: str
    exit_prefix: str
    emergency: tuple[str, ...]


# Mobile phones reach help by these in most countries.
_EVERYWHERE = ("112", "911", "999")

# Two zeros elsewhere; by the countries' code.
_EXIT_PREFIXES = {"1": "011", "7": "810", "61": "0011", "81": "010"}

# Where the country is not known: emergency numbers of many.
_ANYWHERE = ("000", "110", "112", "113", "115", "117", "118", "119", "911", "999")

_TABLE: Final = {
    "AE": ("971", "0", "996 997 998"),
    "AF": ("93", "0", "100 102 119"),
    "AM": ("374", "0", "101 102 103"),
    "AR": ("54", "0", "100 101 107"),
    "AT": ("43", "0", "122 133 140 144"),
    "AU": ("61", "0", "000 106"),
    "AZ": ("994", "0", "101 102 103"),
    "BE": ("32", "0", "100 101"),
    "BG": ("359", "0", "150 160 166"),
    "BH": ("973", "", "199"),
    "BR": ("55", "0", "190 191 192 193"),
    "CA": ("1", "1", "988"),
    "CH": ("41", "0", "117 118 144 1414"),
    "CN": ("86", "0", "110 119 120 122"),
    "CY": ("357", "", "199"),
    "CZ": ("420", "", "150 155 156 158"),
    "DE": ("49", "0", "110"),
    "DK": ("45", "", "114"),
    "EE": ("372", "", "110"),
    "EG": ("20", "0", "122 123 126 128 129 180"),
    "ES": ("34", "", "061 062 080 085 088 091 092"),
    "FI": ("358", "0", ""),
    "FR": ("33", "0", "15 17 18 114 115 119 191 196 197"),
    "GB": ("44", "0", ""),
    "GE": ("995", "0", "111"),
    "GR": ("30", "", "100 108 166 199"),
    "HK": ("852", "", ""),
    "HR": ("385", "0", "192 193 194 195"),
    "HU": ("36", "06", "104 105 107"),
    "ID": ("62", "0", "110 113 115 118 119"),
    "IE": ("353", "0", ""),
    "IL": ("972", "0", "100 101 102"),
    "IN": ("91", "0", "100 101 102 108"),
    "IQ": ("964", "0", "104 115 122"),
    "IR": ("98", "0", "110 113 114 115 123 125"),
    "IT": ("39", "", "113 114 115 117 118 1530"),
    "JO": ("962", "0", ""),
    "JP": ("81", "0", "110 118 119"),
    "KR": ("82", "0", "119"),
    "KW": ("965", "", ""),
    "KZ": ("7", "8", "101 102 103 104"),
    "LB": ("961", "0", "125 140 175"),
    "LT": ("370", "0", ""),
    "LU": ("352", "", "113"),
    "LV": ("371", "", "110 113"),
    "MA": ("212", "0", "15 19 177 190"),
    "MX": ("52", "", ""),
    "MY": ("60", "0", ""),
    "NL": ("31", "0", ""),
    "NO": ("47", "", "110 113"),
    "NZ": ("64", "0", "111"),
    "OM": ("968", "", "9999"),
    "PK": ("92", "0", "15 16 115 1122"),
    "PL": ("48", "", "986 997 998"),
    "PT": ("351", "", "115"),
    "QA": ("974", "", ""),
    "RO": ("40", "0", ""),
    "RU": ("7", "8", "101 102 103 104"),
    "SA": ("966", "0", "937 993 996 997 998"),
    "SE": ("46", "0", ""),
    "SG": ("65", "", "995"),
    "SI": ("386", "0", "113"),
    "SK": ("421", "0", "150 155 158"),
    "SY": ("963", "0", "110 113"),
    "TJ": ("992", "", "101 102 103"),
    "TN": ("216", "", "190 197 198"),
    "TR": ("90", "0", "110 155 156 158 177"),
    "UA": ("380", "0", "101 102 103 104"),
    "US": ("1", "1", "988"),
    "UZ": ("998", "", "101 102 103"),
    "ZA": ("27", "0", "10111 10177"),
}

COUNTRIES: Final[Mapping[str, Country]] = {
    name: Country(
        code,
        trunk,
        _EXIT_PREFIXES.get(code, "00"),
        tuple(sorted({*_EVERYWHERE, *numbers.split()})),
    )
    for name, (code, trunk, numbers) in _TABLE.items()
}

ELSEWHERE: Final = Country("", "", "00", _ANYWHERE)
"""What is taken for a country that is not known."""


def country_of(name: str | None) -> Country:
    """Return a country by its ISO 3166 code, as Home Assistant has it."""
    return COUNTRIES.get(name or "", ELSEWHERE)
