"""What of its input a policy in Rego may read, so that verdicts are remembered for that too."""

import re

# `input[x]`, `import input.subject` and `input.subject["ta\u0067"]` reach members that the text does not name.
_COMPUTED = re.compile(r"\b(?:input|subject)\b(?!\.[A-Za-z_])")


def may_read_tag(text: str) -> bool:
    """Return whether a policy may read `input.subject.tag`: it names it, or computes the names of members."""
    return "tag" in text or _COMPUTED.search(text) is not None


def may_read_nested(text: str) -> bool:
    """Return whether a policy may read `nested` or `signed` of an artifact: it names them, escaped too, or walks over everything."""
    return any(each in text for each in ("nested", "signed", "walk", "\\u"))
