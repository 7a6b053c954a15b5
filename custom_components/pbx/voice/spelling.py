"""How a name may be spelled by a keyboard or by speech-to-text.

Home Assistant compares a sentence letter by letter, without regard to case alone. So
a template lists the spellings of a name; `folded` then finds the name again.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise, product, takewhile, zip_longest
from typing import Final
import unicodedata

# Letters for which Arabic and Persian keyboards have different characters.
_KEYBOARDS: Final = ("یي", "کك")
# What only ends a word.
_FINAL: Final = {"ی": "ى", "\u0647": "ة"}
_TO_PERSIAN = str.maketrans("يكىة\u06d5", "یکی\u0647\u0647")
_HAMZAS = str.maketrans("أإآٱؤئ", "\u0627\u0627\u0627\u0627\u0648ی")
ZWNJ: Final = "\u200c"
_TATWEEL = "\u0640"
_DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "01234567890123456789")
_TO_OWN_DIGITS: Final = {
    "ar": str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"),
    "fa": str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"),
}
# Within a word, not between two.
_WITHIN = frozenset("'\u2019")
# Letters that do not join the next one: a non-joiner after them changes nothing.
_NOT_JOINING: Final = frozenset("اأإآدذرزژوؤةء")
_GAP: Final = f"[ |{ZWNJ}]"
# The shortest part of a compound name, and the shortest such name.
_PART: Final = 2
_COMPOUND: Final = 6

_ACCENTS: Final = {
    "fr": {"a": "àâ", "c": "ç", "e": "éèêë", "i": "îï", "o": "ô", "u": "ûù"},
    "es": {"a": "á", "e": "é", "i": "í", "n": "ñ", "o": "ó", "u": "úü"},
}
"""The accents that speech-to-text adds to a letter where they are common."""

_LAST_ACCENTS: Final = {"e": "é"}
"""Those that it adds to the last letter of a word in any other language."""


def spoken(name: str) -> str:
    """Return a name as it is said: without punctuation, on one line.

    Nothing that has a meaning in a template is left in it.
    """
    composed = unicodedata.normalize("NFC", name.replace(_TATWEEL, ""))
    kept = "".join(character if _is_said(character) else " " for character in composed)
    return " ".join(filter(None, (each.strip(ZWNJ) for each in kept.split())))


def folded(text: str) -> str:
    """Return a text in the form in which names are compared.

    Case, accents, keyboards, punctuation and spaces make no difference.
    """
    plain = unicodedata.normalize("NFKD", spoken(text).translate(_HAMZAS).casefold())
    without_marks = "".join(
        character for character in plain if unicodedata.category(character) != "Mn"
    )
    letters = without_marks.translate(_TO_PERSIAN).translate(_HAMZAS)
    return "".join(filter(str.isalnum, letters.translate(_DIGITS).casefold()))


def _spellings(name: str, language: str) -> list[str]:
    """Return the words of a name, each with its spellings and with what follows it."""
    words = spoken(name).split()
    is_one = len(words) == 1
    spelled = [_word(word, language, is_one=is_one) for word in words]
    gaps = [_gap(*pair) for pair in pairwise(words)]
    return list(map("".join, zip_longest(spelled, gaps, fillvalue="")))


def keyboards(word: str) -> str:
    """Return the part of a template that stands for a word on Arabic keyboards."""
    return _GAP.join(_any_of(_arabic_spellings(part)) for part in word.split(ZWNJ))


def _gap(before: str, after: str) -> str:
    """Return what is between two words; a space in a template is escaped."""
    is_joinable = _is_arabic(before[-1]) and _is_arabic(after[0])
    return _GAP if is_joinable else r"\ "


def _word(word: str, language: str, *, is_one: bool) -> str:
    if word.isdigit():
        return _any_of(_digits(word, language))
    if ZWNJ in word:
        return keyboards(word)
    if not any(map(_is_arabic, word)):
        accents = _ACCENTS.get(language, {})
        found = [_letter(letter, accents) for letter in word[:-1]]
        return "".join((*found, _letter(word[-1], accents or _LAST_ACCENTS)))
    found = list(_arabic_spellings(word))
    splits = (split for each in found for split in _splits(each)) if is_one else ()
    return _any_of((*found, *splits))


def _arabic_spellings(word: str) -> Iterator[str]:
    """Yield the spellings of a word, each typed on one keyboard throughout."""
    unmarked = "".join(
        character for character in word if unicodedata.category(character) != "Mn"
    )
    plain = unmarked.translate(_TO_PERSIAN)
    yield word
    for form in dict.fromkeys((plain, plain.translate(_HAMZAS))):
        choices = [
            letters for letters in _KEYBOARDS if letters[0] in form.translate(_HAMZAS)
        ]
        for chosen in product(*choices):
            table = str.maketrans(
                {
                    letters[0]: letter
                    for letters, letter in zip(choices, chosen, strict=True)
                }
            )
            yield form.translate(table)
            if final := _FINAL.get(form[-1:]):
                yield form[:-1].translate(table) + final


def _digits(word: str, language: str) -> Iterator[str]:
    """Yield a number as it is written in a language, and as everywhere."""
    yield word
    yield (plain := word.translate(_DIGITS))
    if language in _TO_OWN_DIGITS:
        yield plain.translate(_TO_OWN_DIGITS[language])


def _splits(word: str) -> Iterator[str]:
    """Yield a word with a non-joiner in it, as compound names are written."""
    if len(word) < _COMPOUND:
        return
    for position in range(_PART, len(word) - _PART + 1):
        if word[position - 1] not in _NOT_JOINING:
            yield f"{word[:position]}{ZWNJ}{word[position:]}"


def _letter(letter: str, accents: Mapping[str, str]) -> str:
    plain = folded(letter)
    if letter in _WITHIN or not plain:
        return f"[{letter}]"
    # Case makes no difference where a letter has one counterpart only.
    own = lower if len(lower := letter.lower()) == 1 else letter
    return _any_of((own, plain, *accents.get(plain, "")))


def any_name(names: Iterable[str], language: str) -> str:
    """Return the part of a template that stands for any of these names.

    They are grouped by their first word, and these by their first letter, so that few
    of them are compared.
    """
    by_word: dict[str, dict[str, None]] = {}
    for name in names:
        word, *rest = _spellings(name, language)
        by_word.setdefault(word, {})["".join(rest)] = None
    by_letter: dict[str, dict[str, None]] = {}
    others: list[str] = []
    for word, rests in by_word.items():
        spelled = _grouped(word, rests)
        first = spelled[0]
        if first.isalnum() and (first.isascii() or _is_arabic(first)):
            by_letter.setdefault(first.lower(), {})[spelled[1:]] = None
        else:
            others.append(spelled)
    groups = (_grouped(letter, rests) for letter, rests in by_letter.items())
    return f"({'|'.join((*groups, *others))})"


def _grouped(letter: str, rests: Collection[str]) -> str:
    """Return what several spellings begin with, and then how each of them goes on."""
    found = [rest for rest in rests if rest]
    if len(found) == len(rests) == 1:
        return f"{letter}{found[0]}"
    if not found:
        return letter
    either = "|".join(found)
    # In a template, an alternative that is empty matches nothing.
    return f"{letter}({either})" if len(found) == len(rests) else f"{letter}[{either}]"


def _any_of(words: Iterable[str]) -> str:
    """Return alternatives, with what they have in common in front of them."""
    found = tuple(dict.fromkeys(words))
    if len(found) == 1:
        return found[0]
    common = _common_start(found)
    rests = dict.fromkeys(each.removeprefix(common) for each in found)
    return _grouped(common, rests)


def _common_start(words: Sequence[str]) -> str:
    first, last = min(words), max(words)
    pairs = zip(first, last, strict=False)
    length = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return first[:length]


def _is_arabic(character: str) -> bool:
    return "\u0600" <= character <= "\u06ff" and not character.isdigit()


def _is_said(character: str) -> bool:
    is_mark = unicodedata.category(character) in {"Mn", "Mc"}
    return character.isalnum() or is_mark or character in _WITHIN or character == ZWNJ
