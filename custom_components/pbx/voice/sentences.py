"""What people say to have somebody called, and what is answered, by language."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
import unicodedata

# Each is a template of the package hassil, with these in it.
NAME: Final = "<<name>>"
PHONE: Final = "{phone}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """The sentences of one language.

    Attributes:
        commands: with the name in it.
        from_phone: likewise, with the phone that is to ring first.
        calling: the answer when the call was placed.
        which: when the name is that of several contacts.
        unknown_phone: when nobody knows the phone.
        failed: when the call was not placed.
    """

    commands: Sequence[str]
    from_phone: Sequence[str]
    calling: str
    which: str
    unknown_phone: str
    failed: str


_EN = f"(call|ring|phone|dial) [the|my|our] {NAME}"
_DE = "(ruf|rufe|ruft|rufen sie)"
_DE_WHO = f"[bitte] [den|die|das|mein|meine|meinen|unser|unsere|unseren] {NAME}"
_FR = (
    f"(appelle|appelez|appeler|téléphone à|téléphoner à) [le|la|les|mon|ma|mes] {NAME}"
)
_ES = f"(llama|llame|llamar|telefonea) (a|al|a la|a los|a las|a mi|a mis) {NAME}"
_AR = "(اتصل|اتصلي|اتصلوا)"
_FA = "(زنگ بزن|زنگ بزنید|تلفن کن|تلفن بزن|تماس بگیر|تماس بگیرید)"

LANGUAGES: Final[Mapping[str, Language]] = {
    "en": Language(
        commands=(f"[please] {_EN} [please]",),
        from_phone=(f"[please] {_EN} (from|on|with|by) [the|my|our] {PHONE}",),
        calling="Calling {name}.",
        which="There is more than one: {names}. Which one do you mean?",
        unknown_phone="I do not know the phone {phone}.",
        failed="I could not call {name}. {reason}",
    ),
    "fa": Language(
        commands=(
            f"[لطفا] (به|با) {NAME} {_FA}",
            f"[لطفا] {_FA} (به|با) {NAME}",
            f"[لطفا] {NAME} (را|رو) بگیر",
        ),
        from_phone=(
            f"[لطفا] از [تلفن] {PHONE} (به|با) {NAME} {_FA}",
            f"[لطفا] (به|با) {NAME} از [تلفن] {PHONE} {_FA}",
        ),
        calling="در حال تماس با {name}.",
        which="بیش از یکی هست: {names}. منظورتان کدام است؟",
        unknown_phone="تلفن {phone} را نمی‌شناسم.",
        failed="نتوانستم با {name} تماس بگیرم. {reason}",
    ),
    "de": Language(
        commands=(f"{_DE} {_DE_WHO} [bitte] an", f"[bitte] {NAME} anrufen"),
        from_phone=(
            f"{_DE} {_DE_WHO} (vom|von|von der|aus|aus der|mit dem) {PHONE} an",
        ),
        calling="Ich rufe {name} an.",
        which="Es gibt mehrere: {names}. Wen meinst du?",
        unknown_phone="Das Telefon {phone} kenne ich nicht.",
        failed="Ich konnte {name} nicht anrufen. {reason}",
    ),
    "fr": Language(
        commands=(f"{_FR} [s'il te plaît|s'il vous plaît]",),
        from_phone=(f"{_FR} (depuis|avec|sur) [le|la|mon] {PHONE}",),
        calling="J'appelle {name}.",
        which="Il y en a plusieurs : {names}. Lequel ?",
        unknown_phone="Je ne connais pas le téléphone {phone}.",
        failed="Je n'ai pas pu appeler {name}. {reason}",
    ),
    "es": Language(
        commands=(f"[por favor] {_ES} [por favor]",),
        from_phone=(f"{_ES} (desde|con) [el|la|mi] {PHONE}",),
        calling="Llamando a {name}.",
        which="Hay más de uno: {names}. ¿Cuál?",
        unknown_phone="No conozco el teléfono {phone}.",
        failed="No he podido llamar a {name}. {reason}",
    ),
    "ar": Language(
        commands=(
            f"{_AR} ب{NAME} [من فضلك]",
            f"{_AR} (ب|على|مع) {NAME} [من فضلك]",
            f"(هاتف|كلم|كلمي) {NAME} [من فضلك]",
        ),
        from_phone=(
            f"{_AR} ب{NAME} من [هاتف] {PHONE}",
            f"{_AR} (ب|على|مع) {NAME} من [هاتف] {PHONE}",
        ),
        calling="جارٍ الاتصال: {name}.",
        which="هناك أكثر من واحد: {names}. أيهم تقصد؟",
        unknown_phone="لا أعرف الهاتف {phone}.",
        failed="تعذر الاتصال: {name}. {reason}",
    ),
}

# Letters of which Arabic and Persian keyboards have different ones.
_TO_PERSIAN = str.maketrans("يكىة", "یکیه")
_TO_ARABIC = str.maketrans("یک", "يك")
_HAMZAS = str.maketrans("أإآٱؤئ", "\u0627\u0627\u0627\u0627\u0648ی")
_ZWNJ = "\u200c"
_TATWEEL = "\u0640"
_DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "01234567890123456789")
# Within a word, not between two.
_WITHIN = frozenset("'\u2019")


def spoken(name: str) -> str:
    """Return a name as it is said: without punctuation, on one line.

    Nothing that means something in a template is left in it.
    """
    kept = "".join(
        character if _is_said(character) else " "
        for character in name.replace(_TATWEEL, "")
    )
    return " ".join(kept.split())


def folded(text: str) -> str:
    """Return a text in the form in which what people say is compared.

    Neither case nor accents, nor the letters of the keyboard, nor punctuation
    make a difference.
    """
    plain = unicodedata.normalize("NFKD", text.translate(_HAMZAS).casefold())
    without_marks = "".join(
        character for character in plain if unicodedata.category(character) != "Mn"
    )
    letters = without_marks.translate(_TO_PERSIAN).translate(_HAMZAS)
    return spoken(letters.replace(_ZWNJ, " ").translate(_DIGITS))


def commands(language: Language, name: str) -> list[str]:
    """Return the templates of the sentences that call a name, in all spellings."""
    templates = (*language.commands, *language.from_phone)
    found = {
        template.replace(NAME, spelling): None
        for template in templates
        for spelling in dict.fromkeys(_spellings(spoken(name)))
    }
    return list(
        dict.fromkeys(
            command for each in found for command in (each, *_keyboards(each))
        )
    )


def _spellings(name: str) -> Iterator[str]:
    """Yield the ways in which somebody, or a machine that listens, may write it."""
    yield name
    yield name.replace(_ZWNJ, " ")
    yield name.replace(_ZWNJ, "")
    unmarked = "".join(
        character
        for character in unicodedata.normalize("NFD", name)
        if unicodedata.category(character) != "Mn"
    )
    yield unmarked
    yield unmarked.translate(_HAMZAS).replace(_ZWNJ, " ")


def _keyboards(command: str) -> Iterator[str]:
    yield command.translate(_TO_ARABIC)
    yield command.translate(_TO_PERSIAN)


def _is_said(character: str) -> bool:
    is_mark = unicodedata.category(character) in {"Mn", "Mc"}
    return character.isalnum() or is_mark or character in _WITHIN or character == _ZWNJ
