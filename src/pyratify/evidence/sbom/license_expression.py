"""SPDX license expressions (SPDX 2.3, annex D); the only module that knows their library."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pyratify.core.errors import ConfigurationError

MAX_TEXT = 16 * 1024
"""Characters of an expression: those of distributions name a few hundred licenses."""
EXTRA = "pip install 'pyratify[sbom]'"
_REFERENCES = ("licenseref-", "documentref-")
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


def holds(text: str, accepts: Callable[[Term], bool]) -> bool:
    """Return whether an expression can be complied with by accepted licenses alone: OR may choose, AND may not.

    Raises:
        InvalidExpression: It is no expression.
    """
    return _holds(_parse(text), accepts)


def terms(text: str) -> tuple[Term, ...]:
    """Return the licenses of an expression; errors as for `holds`."""
    return tuple(_terms(_parse(text)))


def normalise(text: str) -> str:
    """Return an expression in the spelling of the SPDX list; errors as for `holds`."""
    return str(_parse(text))


def is_known(text: str) -> bool:
    """Return whether a text names one license of the SPDX list, with an exception or without, or one that a document defines."""
    try:
        found = terms(text)
    except InvalidExpression:
        return False
    unknown = _library().unknown_license_keys(_parse(text))
    return len(found) == 1 and all(
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
    if _WITH in license_:
        names.add(f"{license_.partition(_WITH)[0]}-only")
    return Term(whole, frozenset(name.lower() for name in names))


def _base(key: str) -> str:
    return key.removesuffix("+")


def _is_listed(key: str) -> bool:
    return key in _library().known_symbols


@lru_cache(maxsize=4096)
def _parse(text: str) -> Any:
    if len(text) > MAX_TEXT:
        raise InvalidExpression(f"it has {len(text)} characters")
    library = _library()
    from license_expression import ExpressionError

    try:
        found = library.parse(text, validate=False, strict=False)
    # For odd texts it raises errors of Python too.
    except (ExpressionError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise InvalidExpression(type(error).__name__) from None
    if found is None or any(" " in _license(term.text) for term in _terms(found)):
        # The library takes words that stand side by side for one name; SPDX does not.
        raise InvalidExpression("it names no license of the SPDX list")
    return found


def _license(text: str) -> str:
    return text.partition(" WITH ")[0]


@lru_cache(maxsize=1)
def _library() -> Any:
    # Lazy: 30 ms for its index of licenses.
    from license_expression import get_spdx_licensing

    return get_spdx_licensing()
