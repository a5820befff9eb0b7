"""Letters that look like others: one plain form, so that a name in a rule is found in every spelling that people read as it."""

import re
import unicodedata
from collections.abc import Callable
from itertools import pairwise

# Of Unicode's confusables (UTS 39) those of single letters, in the scripts that are used for it: Cyrillic, Greek, Armenian.
_LETTERS = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0455\u0456\u0458\u04bb\u0501\u051b\u051d\u0261\u04cf\u03bf\u03c1\u03bd\u0131\u0578\u057d"
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0405\u0406\u0408\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a7",
    "aeopcyxsijhdqwglopvinuABEKMHOPCTXSIJABEZHIKMNOPTX",
)

# Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt) outside the category Cf: joiners, fillers, variation selectors.
_IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
# Those that are white space part words.
_CONTROLS = {code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if not chr(code).isspace()}
_MOST_PARTS = 4  # a few ligatures stand for a phrase: a document of them would become six times as large
# UAX 15, section 13: no language needs more marks on one letter, and the time to sort them grows with the square of their number.
_RUN, _JOINER = re.compile("\0{30}"), "\u034f"


def plain(text: str) -> str:
    """Return a text without what cannot be seen, with its dashes as hyphens and its look-alikes as the ASCII letters; printable ASCII as it is."""
    if text.isascii():
        # Not letter by letter: all names of a document are looked through at once, in lines.
        return text if text.isprintable() else text.translate(_CONTROLS)
    return _each(_composed(_each(text, _compatible)), _visible)


def _each(text: str, change: Callable[[str], str]) -> str:
    # Each letter of it once: a document may repeat them a million times.
    return text.translate({ord(letter): change(letter) for letter in set(text)})


def _compatible(letter: str) -> str:
    # Before marks are composed: it would stand between a letter and its mark.
    if _is_unseen(letter):
        return ""
    # NFKC: letters of full width, ligatures and the like (UAX 15).
    found = unicodedata.normalize("NFKC", letter)
    return found if len(found) <= _MOST_PARTS else letter


def _composed(text: str) -> str:
    marks = text.translate({ord(each): "\0" if unicodedata.combining(each) else each for each in set(text)})
    ends = [found.end() for found in _RUN.finditer(marks)]
    # Where it does not depend on what stands before and behind the run: a name is found in a longer text, too.
    pieces = (text[start:end] for start, end in pairwise((0, *ends, len(text))))
    return unicodedata.normalize("NFC", _JOINER.join(pieces))


def _is_unseen(letter: str) -> bool:
    # Cf: zero width, direction, soft hyphens.
    is_format = unicodedata.category(letter) == "Cf"
    return is_format or ord(letter) in _CONTROLS or _IGNORABLE.match(letter) is not None


def _visible(letter: str) -> str:
    # Pd: dashes.
    is_dash = unicodedata.category(letter) == "Pd" or letter == "\u2212"
    return "-" if is_dash else letter.translate(_LETTERS)
