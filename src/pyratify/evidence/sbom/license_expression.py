"""SPDX license expressions (SPDX 2.3, annex D); the only module that knows their library."""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError

MAX_TEXT = 16 * 1024
"""Characters of an expression: those of distributions name a few hundred licenses."""
_MAX_DEPTH = 64  # of brackets within brackets
EXTRA = "pip install 'pyratify[sbom]'"
_NO_BRACKETS = re.compile(r"[^()]+")
_REFERENCES = ("licenseref-", "documentref-")
# As distributions and Python packages write them: `GPLv3`, `GPL-3`, `lgpl2.1+`, `Apache2`.
_LOOSE = re.compile(
    r"(?P<family>[a-z]{2,20}?)-?v?(?P<major>[0-9]{1,2})(?:\.(?P<minor>[0-9]{1,2}))?-?(?P<suffix>\+|only|or-later)?",
    re.ASCII,
)
_WITH = "-with-"  # identifiers of SPDX before 2.0, as GPL-2.0-with-classpath-exception


class InvalidExpression(ValueError):
    """A text that is no license expression."""


@dataclass(frozen=True, slots=True)
class Term:
    """One license in an expression.

    Attributes:
        text: As it is written there, in the spelling of the SPDX list.
        names: Every name that it is known by, in lower case: with its exception and without, with `+` and without.
    """

    text: str
    names: frozenset[str]


class Expression:
    """A license expression.

    Args:
        text: The text.

    Raises:
        InvalidExpression: It is none.
    """

    def __init__(self, text: str) -> None:
        self._tree = _parse(text)

    def __str__(self) -> str:
        """Return the expression in the spelling of the SPDX list."""
        return str(self._tree)

    def holds(self, accepts: Callable[[Term], bool]) -> bool:
        """Return whether it can be complied with by accepted licenses alone: OR may choose, AND may not."""
        return _holds(self._tree, accepts)

    def terms(self) -> tuple[Term, ...]:
        """Return its licenses."""
        return tuple(_terms(self._tree))

    def is_known(self) -> bool:
        """Return whether it is one license of the SPDX list, with an exception or without, or one that a document defines."""
        # One alone: terms are compared one by one, so a denied `A OR B` would match none.
        unknown = _library().unknown_license_keys(self._tree)
        return len(self.terms()) == 1 and all(
            _base(key).lower().startswith(_REFERENCES) or _is_listed(_base(key)) for key in unknown
        )


def listed() -> tuple[str, ...]:
    """Return the identifiers of the SPDX list."""
    return tuple(_library().known_symbols)


def check_installed(path: str) -> None:
    """Refuse a configuration whose rules need the library where it is not installed.

    Raises:
        ConfigurationError: With the path.
    """
    try:
        _library()
    except ImportError:
        raise ConfigurationError(
            "license expressions need the package license-expression",
            path=path,
            remedy=f"{EXTRA}, or set licenseMatch to mention.",
        ) from None


def _holds(node: Any, accepts: Callable[[Term], bool]) -> bool:
    # By the operator that the library states: its classes are made anew for each index.
    operator = getattr(node, "operator", "").strip()
    if operator == "AND":
        return all(_holds(each, accepts) for each in node.args)
    if operator == "OR":
        return any(_holds(each, accepts) for each in node.args)
    return accepts(_term(node))


def _terms(node: Any) -> Iterator[Term]:
    if getattr(node, "operator", ""):
        for each in node.args:
            yield from _terms(each)
    else:
        yield _term(node)


def _term(symbol: Any) -> Term:
    # A license with an exception is a symbol without `key`; as text both kinds are whole.
    whole, license_ = str(symbol), str(getattr(symbol, "license_symbol", symbol))
    names = {whole, license_, _base(license_)}
    # A rule about `GPL-2.0-only` must also match deprecated identifiers that contain the exception.
    if _WITH in license_:
        names.add(f"{license_.partition(_WITH)[0]}-only")
    # SPDX 2.3, annex D: identifiers are compared without case.
    return Term(whole, frozenset(name.lower() for name in names) | stands_for(license_))


def stands_for(license_: str) -> frozenset[str]:
    """Return the identifiers of the SPDX list that an unknown one as `GPLv3` stands for, in lower case: a rule that denies them must find it."""
    match = None if _is_listed(_base(license_)) else _LOOSE.fullmatch(license_.lower().replace("_", "-"))
    if match is None:
        return frozenset()
    name = f"{match['family']}-{match['major']}.{match['minor'] or 0}"
    later = match["suffix"] not in (None, "only")
    return frozenset((name, f"{name}-or-later" if later else f"{name}-only"))


def _base(key: str) -> str:
    return key.removesuffix("+")


def _is_listed(key: str) -> bool:
    return key in _library().known_symbols


def _parse(text: str) -> Any:
    if len(text) > MAX_TEXT or not _has_few_levels(text):
        raise InvalidExpression(
            f"it has {len(text)} characters, or brackets in more than {_MAX_DEPTH} levels"
        )
    # SPDX 2.3, annex D.2, `idstring`: a letter of another script could look like one of these.
    if not text.isascii():
        raise InvalidExpression("it has characters other than ASCII")
    library = _library()
    from license_expression import ExpressionError

    try:
        # Not validated: `LicenseRef-` identifiers, which documents define themselves, would be refused.
        found = library.parse(text, validate=False, strict=False)
    # For odd texts it raises errors of Python too.
    except (ExpressionError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise InvalidExpression(type(error).__name__) from None
    if found is not None:
        _check_depth(found)
    if found is None or any(" " in _license(term.text) for term in _terms(found)):
        # The library takes words that stand side by side for one name; SPDX does not.
        raise InvalidExpression("it names no license of the SPDX list")
    return found


def _has_few_levels(text: str) -> bool:
    """Return whether brackets match and are nested little: of all texts the library takes most time for those."""
    brackets = _NO_BRACKETS.sub("", text)
    for _ in range(_MAX_DEPTH):
        if not brackets:
            break
        brackets = brackets.replace("()", "")
    return not brackets


def _check_depth(expression: Any) -> None:
    level = [expression]
    for _ in range(_MAX_DEPTH):
        level = [each for node in level for each in getattr(node, "args", ())]
        if not level:
            return
    raise InvalidExpression(f"it is nested more than {_MAX_DEPTH} levels")


def _license(text: str) -> str:
    return text.partition(" WITH ")[0]


@lru_cache(maxsize=1)
def _library() -> Any:
    # Lazy: 30 ms for its index of licenses.
    from license_expression import get_spdx_licensing

    return get_spdx_licensing()
