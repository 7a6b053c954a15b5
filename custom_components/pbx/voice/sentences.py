"""The sentences that place a call, by language, as templates of the package hassil.

Home Assistant returns no part of a sentence that matched alternatives. So `understand`
finds the names again, by the same templates.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
import re
from typing import Final, NamedTuple

from .spelling import ZWNJ, any_name, folded, keyboards

NAME: Final = "NAME"
"""Where the callee stands in a template: once."""

FROM: Final = "FROM"
"""Where the phone that rings first may stand."""

PHONE: Final = "PHONE"
"""Where its name stands in what takes the place of `FROM`."""

MESSAGE: Final = "message"
"""The part of a sentence that is said to the callee; it ends the sentence."""

# What has a meaning in a template, or in what takes its place.
_MARKS: Final = re.compile(r"([\[\]()|]|NAME|PHONE)")
_WORD: Final = re.compile(r"\S+")
# What people write between the name and the message.
_AFTER_BEGIN: Final = " \t\n:;,.،؛-\u2013\u2014"
_ARABIC: Final = re.compile("[\u0600-\u06ff\u200c]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """The sentences of one language.

    Attributes:
        calls: place a call.
        from_phone: names the phone that rings first.
        hang_up: end the calls that were placed from Home Assistant.
        tells: begin a message to the callee, which follows.
        who_called: ask who has called.
        did_call: ask whether somebody has called.
    """

    calls: Sequence[str]
    from_phone: str
    hang_up: Sequence[str] = ()
    tells: Sequence[str] = ()
    who_called: Sequence[str] = ()
    did_call: Sequence[str] = ()


class Understood(NamedTuple):
    """What a sentence asks for.

    Attributes:
        name: of the callee, folded; None to hang up, or where all are asked about.
        phone: that rings first, folded; None where none is named.
        message: that is said to the callee; None to connect the two.
        is_question: whether it only asks who called, or whether that name has.
    """

    name: str | None = None
    phone: str | None = None
    message: str | None = None
    is_question: bool = False


_EN_PLEASE = (
    "[please] [(can|could|will|would) you|(can|could) I"
    "|I (want|would like) to|I'd like to] [please]"
)
_EN_END = "FROM [now] [for me] [please]"
_EN_THE = "[the|my|our|number|extension]"

# Speech-to-text sets the Arabic comma, which Home Assistant does not leave out.
_FA_PLEASE = f"[(لطفاً|خواهشاً|بی{ZWNJ}زحمت|خواهش می{ZWNJ}کنم)[،]]"
_FA_CAN = f"[ممکنه|می{ZWNJ}(شه|شود|تونی|توانی|تونید|توانید)] {_FA_PLEASE}"
_FA_NUMBER = f"[شماره|شماره{ZWNJ}ی|داخلی]"
_FA_CALL = (
    "[یه|یک] (زنگ|تلفن) (بزن|بزنید|بزنین|بزنی)|تلفن (کن|کنید|کنی)"
    "|تماس (بگیر|بگیرید|بگیرین|بگیری)"
)
# "A ring to mom", where the verb may follow.
_FA_RING = "(یه|یک) (زنگ|تلفن)"
_FA_TAKE = "(را|رو) (بگیر|بگیرید|بگیرین|بگیری)"

_FA_WHO = "کی|چه کسی|کیا|چه کسانی"
_FA_HAS_CALLED = (
    "زنگ (زد|زده|زدن|زدند)|تلفن (کرد|کرده|کردن|کردند)|تماس (گرفت|گرفته|گرفتن|گرفتند)"
)

_FA_TELL = "(بگو|بگید|بگین|بگویید|بگی)|(خبر|اطلاع) (بده|بدید|بدین|بدهید|بدی)"

_DE_WHO = (
    "[den|die|das|dem|mein|meine|meinen|meiner|meinem|unser|unsere|unseren|unserem"
    "|bei|beim|bei der|bei dem|im|in der|zum|zur] [nummer] NAME FROM"
)
_DE_CAN = (
    "(kannst|könntest|würdest) du|(können|könnten|würden) sie"
    "|ich (will|möchte|würde gern|würde gerne)"
)

_FR_PLEASE = "[s'il te pla(î|i)t|s'il vous pla(î|i)t|stp|svp]"
_FR_CAN = (
    "[peux tu|tu peux|pourrais tu|tu pourrais|pouvez vous|vous pouvez|pourriez vous"
    "|est ce que tu peux|est ce que vous pouvez|je veux|je voudrais|j'aimerais]"
)
_FR_CALL = (
    f"((appelle|appelez|appeler|compose|composez|composer) {_FR_PLEASE} [au|aux|chez]"
    "|(t(é|e)l(é|e)phone|t(é|e)l(é|e)phonez"
    "|t(é|e)l(é|e)phoner|(passe|passez|passer|donne|donnez|donner) un"
    " (coup de fil|coup de t(é|e)l(é|e)phone|appel))"
    " (à|a|au|aux|à la|a la|à l'|a l'))"
)

_ES_CAN = "[[me] (puedes|puede|podr(í|i)as|podr(í|i)a)|quiero|quisiera|me gustar(í|i)a]"
_ES_CALL = (
    "(llama|llame|llamad|llamar|telefonea|telefonear"
    "|(da|dale|haz|hazle|dar|darle) (un toque|una llamada|un telefonazo))"
)

_AR_PLEASE = "[(من فضلك|من فضلكم|لو سمحت|لو سمحتم|لو سمحتي|رجاءً|الرجاء|أرجوك)[،]]"
_AR_CAN = "[هل] [يمكنك|تستطيع|بإمكانك|ممكن|أريد] [أن]"
_AR_CALL = (
    "((إتصل|أتصل|إتصلي|إتصلوا|تتصل|تتصلي|الإتصال)"
    " (ب|ب |بـ|بـ |على |مع |بالرقم |على الرقم )|(هاتف|كلم|كلّم|كلمي|تكلم) )"
)

LANGUAGES: Final[Mapping[str, Language]] = {
    "en": Language(
        calls=(
            (
                f"{_EN_PLEASE} (call|ring|phone|dial|(make|place) a [phone] call to)"
                f" [up|back] {_EN_THE} NAME [up|back|phone] {_EN_END}"
            ),
            f"{_EN_PLEASE} give {_EN_THE} NAME a (ring|call|buzz|bell) {_EN_END}",
        ),
        from_phone="(from|on|with|by|using|via) [the|my|our] PHONE [phone]",
        hang_up=(
            f"{_EN_PLEASE} hang up [the|this|my] [phone|call] [now] [please]",
            f"{_EN_PLEASE} end [the|this|my] [phone] call [now] [please]",
        ),
        tells=(
            f"{_EN_PLEASE} tell {_EN_THE} NAME [that]",
            f"{_EN_PLEASE} let {_EN_THE} NAME know [that]",
        ),
        who_called=(
            "who [has|have] [just] (called|rang|rung|phoned) [me|us] [today|lately]",
            "(did|have) (I|we) (miss|missed) (a|any) (call|calls) [today]",
            "(what|which) calls (did|have) (I|we) (miss|missed) [today]",
        ),
        did_call=(
            (
                f"(did|has) {_EN_THE} NAME (call|called|ring|rung|phone|phoned)"
                " [me|us|here] [today]"
            ),
        ),
    ),
    "fa": Language(
        calls=(
            (
                f"{_FA_PLEASE} {_FA_CAN} FROM [به|با] {_FA_NUMBER} NAME[،] FROM"
                f" {_FA_PLEASE} [دوباره] ({_FA_CALL}|{_FA_TAKE})[،] {_FA_PLEASE}"
            ),
            (
                f"{_FA_PLEASE} {_FA_CAN} [دوباره]"
                f" (({_FA_CALL}) [به|با]|{_FA_RING} به)"
                f" {_FA_NUMBER} NAME[،] FROM [بزن|بزنید|بزنین|بزنی][،] {_FA_PLEASE}"
            ),
        ),
        from_phone="(از|با) [تلفن|گوشی] PHONE[،]",
        hang_up=(
            (
                f"{_FA_PLEASE} [تلفن|تماس|گوشی] [را|رو] قطع[ش] (کن|کنید|کنین)[،]"
                f" {_FA_PLEASE}"
            ),
        ),
        tells=(
            (
                f"{_FA_PLEASE} {_FA_CAN} به {_FA_NUMBER} NAME[،] {_FA_PLEASE}"
                f" ({_FA_TELL})[،] [که]"
            ),
        ),
        who_called=(
            f"[امروز] ({_FA_WHO}) [امروز] [به (من|ما)] ({_FA_HAS_CALLED})",
            f"[امروز] تماس بی{ZWNJ}پاسخ (دارم|داریم|داشتم|داشتیم)",
        ),
        did_call=(
            (
                f"[آیا] [امروز] {_FA_NUMBER} NAME[،] [امروز] [به (من|ما)]"
                f" ({_FA_HAS_CALLED})"
            ),
        ),
    ),
    "de": Language(
        calls=(
            (
                "[bitte] (ruf|rufe|ruft|rufen sie) [bitte] [doch] [mal] [bitte]"
                f" {_DE_WHO} [bitte] an [bitte]"
            ),
            (
                f"[bitte] [{_DE_CAN}] [bitte] [mal] [bitte] {_DE_WHO} [bitte] anrufen"
                " [bitte]"
            ),
            (
                "[bitte] (wähl|wähle|wählen sie|(telefonier|telefoniere) [bitte] [mal]"
                f" mit) [bitte] {_DE_WHO} [bitte]"
            ),
        ),
        from_phone=(
            "(vom|von|von der|von dem|aus|aus der|aus dem|mit|mit dem|mit der|beim"
            "|im|in der|über das|am) PHONE [telefon] [aus]"
        ),
    ),
    "fr": Language(
        calls=(
            (
                f"{_FR_PLEASE} {_FR_CAN} {_FR_PLEASE} {_FR_CALL}"
                f" [le|la|les|l'|mon|ma|mes|notre|nos] [num(é|e)ro] NAME FROM"
                f" {_FR_PLEASE}"
            ),
        ),
        from_phone=(
            "(depuis|avec|sur|de|du|par) [le|la|les|l'|mon|ma|notre] [téléphone]"
            " [de|du|de la|de l'] PHONE"
        ),
    ),
    "es": Language(
        calls=(
            (
                f"[por favor] {_ES_CAN} [por favor] ({_ES_CALL} [por favor] (a|al)"
                "|marca|marque|marcar) [el|la|los|las|mi|mis|nuestro|nuestra]"
                " [n(ú|u)mero] NAME FROM [por favor]"
            ),
        ),
        from_phone=(
            "(desde|con|por|del|de) [el|la|los|las|mi|nuestro|nuestra]"
            " [teléfono] [de|del|de la] PHONE"
        ),
    ),
    "ar": Language(
        calls=(f"{_AR_PLEASE} {_AR_CAN} {_AR_CALL}NAME[،] FROM {_AR_PLEASE}",),
        from_phone="(من|عبر) [هاتف|تلفون|الهاتف] PHONE[،]",
    ),
}


def templates(
    language: str,
    names: Collection[str],
    phones: Collection[str],
    *,
    with_messages: bool = False,
) -> list[str]:
    """Return the templates of a language.

    Args:
        language: one of `LANGUAGES`.
        names: of those who can be called.
        phones: that can ring first.
        with_messages: whether messages can be said to them, by their names.
    """
    words = LANGUAGES[language]
    found = [_keyboards(each) for each in (*words.hang_up, *words.who_called)]
    if not names:
        return found
    callee, phone = any_name(names, language), any_name(phones, language)
    from_phone = f"[{_keyboards(words.from_phone)}]" if phones else ""
    for template in words.calls:
        text = _keyboards(template).replace(FROM, from_phone)
        found.append(text.replace(PHONE, phone).replace(NAME, callee))
    # Numbers are left out, as each name costs time whenever a contact changes.
    spoken_names = [each for each in names if not folded(each).isdigit()]
    if not spoken_names:
        return found
    callee = any_name(spoken_names, language)
    found += [_keyboards(each).replace(NAME, callee) for each in words.did_call]
    for template in words.tells if with_messages else ():
        begin = _keyboards(template).replace(NAME, callee)
        found.append(f"{begin} {{{MESSAGE}}}")
    return found


def understand(
    language: str, sentence: str, names: Collection[str], phones: Collection[str]
) -> Understood | None:
    """Return what a sentence that has matched asks for.

    Of several names that fit, the longest is meant: "call mom from work" is a call to
    "mom from work" where there is such a contact.

    Args:
        language: one of `LANGUAGES`.
        sentence: as it was said.
        names: folded, of those who can be called.
        phones: folded, that can ring first.
    """
    words, said = LANGUAGES[language], folded(sentence)
    if any(re.fullmatch(_pattern(each), said) for each in words.hang_up):
        return Understood()
    if any(re.fullmatch(_pattern(each), said) for each in words.who_called):
        return Understood(is_question=True)
    callee, phone = _named(names, said), _named(phones, said)
    if not callee:
        return None
    for template in words.did_call:
        pattern = _pattern(template).replace(NAME, f"(?P<name>{callee})")
        if match := re.fullmatch(pattern, said):
            return Understood(match["name"], is_question=True)
    from_phone = f"[{words.from_phone}]" if phone else ""
    for template in words.calls:
        pattern = _pattern(template.replace(FROM, from_phone))
        pattern = pattern.replace(NAME, f"(?P<name>{callee})")
        # A group may have a name only once.
        for number in range(pattern.count(PHONE)):
            pattern = pattern.replace(PHONE, f"(?P<phone{number}>{phone})", 1)
        if match := re.fullmatch(pattern, said):
            groups = match.groupdict()
            name = groups.pop("name")
            return Understood(name, next(filter(None, groups.values()), None))
    return None


def understand_message(
    language: str, sentence: str, message: str, names: Collection[str]
) -> Understood | None:
    """Return what a sentence that has matched asks to say to a callee.

    Args:
        language: one of `LANGUAGES`.
        sentence: as it was said.
        message: the rest of it, as Home Assistant returns it: without punctuation.
        names: folded, of those who can be called.
    """
    begin = folded(sentence).removesuffix(folded(message))
    callee = _named(names, begin)
    for template in LANGUAGES[language].tells if callee else ():
        pattern = _pattern(template).replace(NAME, f"(?P<name>{callee})")
        if match := re.fullmatch(pattern, begin):
            written = _without_begin(sentence, begin) or message
            return Understood(match["name"], message=written)
    return None


def _without_begin(sentence: str, begin: str) -> str:
    """Return the rest of a sentence as it was written; empty if it is not found.

    Args:
        sentence: as it was said.
        begin: the words that it begins with, folded.
    """
    for word in _WORD.finditer(sentence):
        if folded(sentence[: word.start()]) == begin:
            return sentence[word.start() :].lstrip(_AFTER_BEGIN).rstrip()
    return ""


def _named(names: Collection[str], said: str) -> str:
    """Return a pattern of those names that occur in a sentence, the longest first."""
    found = sorted((each for each in names if each in said), key=len, reverse=True)
    return "|".join(map(re.escape, found))


def _pattern(template: str) -> str:
    """Return a template as a regular expression for folded sentences.

    What is optional is rather left out: an article may be part of a name.
    """
    return "".join(map(_as_pattern, _MARKS.split(template)))


def _as_pattern(part: str) -> str:
    if part in (NAME, PHONE):
        return part
    marks = {"[": "(?:", "]": ")??", "(": "(?:", ")": ")", "|": "|"}
    return marks.get(part) or folded(part)


def _keyboards(template: str) -> str:
    """Return a template with its Arabic letters as each keyboard writes them."""
    return _ARABIC.sub(lambda found: keyboards(found[0]), template)
