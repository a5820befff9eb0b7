"""Letters that look like others: one plain form, so that a name in a rule is found in every spelling that people read as it."""

import unicodedata

# Of Unicode's confusables (UTS 39) those of single letters, in the scripts that are used for it: Cyrillic, Greek, Armenian.
_LETTERS = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0455\u0456\u0458\u04bb\u0501\u051b\u051d\u0261\u04cf\u03bf\u03c1\u03bd\u0131\u0578\u057d"
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0405\u0406\u0408\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a7",
    "aeopcyxsijhdqwglopvinuABEKMHOPCTXSIJABEZHIKMNOPTX",
)


def plain(text: str) -> str:
    """Return a text without what cannot be seen, with its dashes as hyphens and its look-alikes as the ASCII letters; ASCII as it is."""
    if text.isascii():
        return text
    # NFKC: letters of full width, ligatures and the like (UAX 15).
    found = unicodedata.normalize("NFKC", text).translate(_LETTERS)
    return "".join(_visible(each) for each in found)


def _visible(letter: str) -> str:
    category = unicodedata.category(letter)
    # Pd: dashes. Cf: zero width, direction, soft hyphens.
    return "-" if category == "Pd" or letter == "\u2212" else "" if category == "Cf" else letter
