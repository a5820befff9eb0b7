"""Rules about the licenses of packages, by expression."""

import re
from collections.abc import Iterable, Iterator
from typing import Protocol

from pyratify.core.dataclass import dataclass
from pyratify.evidence.findings import Finding
from pyratify.evidence.lookalikes import plain
from pyratify.evidence.sbom.document import UNSTATED, Field, License, Package
from pyratify.evidence.sbom.license_expression import (
    MAX_TEXT,
    Expression,
    InvalidExpression,
    Term,
    stands_for,
)
from pyratify.evidence.sbom.work_budget import EXPRESSION, NAME_CHARACTERS, WorkBudget

# Listed among packages, and without a license of their own; what they do state is judged.
_NO_SOFTWARE = frozenset(("file", "container", "operating-system", "data", "cryptographic-asset"))
ANY = "*"
_WORDS = re.compile(r"[A-Za-z0-9.+-]+", re.ASCII)
_NOTHING = License("")


class LicenseTest(Protocol):
    """Says what is wrong with one statement about a license."""

    @property
    def refuses_unstated(self) -> bool:
        """Whether a package must state a license."""
        ...

    def fault(self, stated: License) -> str | None:
        """Return what is wrong with it, or None."""
        ...


@dataclass(frozen=True, slots=True)
class LicenseRules:
    """Which licenses packages may have.

    Attributes:
        test: What is asked of each statement.
        statements: Which statements count; with `either` all, and what states no license only where no other states one.
    """

    test: LicenseTest
    statements: Field = "either"

    def findings(self, packages: Iterable[Package], budget: WorkBudget) -> Iterator[Finding]:
        """Iterate over the packages whose license is refused.

        Raises:
            VerificationError: `PARSE_LIMIT`.
        """
        faults: dict[tuple[tuple[License, ...], bool], str | None] = {}
        for package in packages:
            # Thousands of packages share a few licenses.
            key = (package.licenses, package.kind in _NO_SOFTWARE)
            if key not in faults:
                # Longer texts are refused without being parsed, so they cost no more than the longest.
                budget.spend(sum(min(len(each.text), MAX_TEXT) for each in package.licenses), EXPRESSION)
                named = sum(len(each.text) for each in package.licenses if each.named)
                budget.spend(named // NAME_CHARACTERS, 1)
                faults[key] = self._fault(*key)
            fault = faults[key]
            if fault is not None:
                yield Finding(package.shown, fault)

    def _fault(self, licenses: tuple[License, ...], is_no_software: bool) -> str | None:
        counting = _counting(licenses, self.statements)
        if is_no_software and self.test.refuses_unstated:
            counting = [each for each in counting if each.text not in UNSTATED]
        return next((fault for each in counting if (fault := self.test.fault(each)) is not None), None)


def _counting(licenses: tuple[License, ...], statements: Field) -> list[License]:
    if statements != "either":
        return [each for each in licenses if each.field in (statements, "either")] or [_NOTHING]
    # Scanners write NOASSERTION for one field beside a license in the other.
    stated = [each for each in licenses if each.text not in UNSTATED]
    return stated or [each for each in licenses if each.text] or [_NOTHING]


class ExpressionTest:
    """Judges license expressions formally: OR may choose, AND may not, and what is unknown is not allowed.

    Args:
        denied: Identifiers that a package must not need, `*` at the end of one for any rest; `NOASSERTION`, `NONE` and an empty text
            for what states none.
        allowed: Identifiers, with `*` likewise, and whole expressions that alone are allowed; None for all.
    """

    def __init__(self, denied: Iterable[str], allowed: Iterable[str] | None) -> None:
        self._denied = _Names(denied)
        self._allowed = None if allowed is None else _Names(allowed)

    @property
    def refuses_unstated(self) -> bool:
        """Whether a package must state a license."""
        return self._allowed is not None

    def fault(self, stated: License) -> str | None:
        """Return what is wrong with a statement, or None."""
        if stated.text in UNSTATED:
            return self._listed(_normal(stated.text), stated.text or "no license is stated")
        try:
            expression = Expression(stated.text)
        except InvalidExpression:
            return self._unreadable(stated)
        # Denied first: an allowed expression must not outweigh a denied identifier in it.
        if not expression.holds(lambda term: not self._denied.has_any(term.names)):
            refused = (term.text for term in expression.terms() if self._denied.has_any(term.names))
            return f"{stated.text[:300]}: {', '.join(dict.fromkeys(refused))[:200]} is denied"
        if self._allowed is None or self._is_whole(expression) or expression.holds(self._is_allowed):
            return None
        return f"{stated.text[:300]} is not allowed"

    def _is_whole(self, expression: Expression) -> bool:
        return self._allowed is not None and str(expression).lower() in self._allowed.exact

    def _is_allowed(self, term: Term) -> bool:
        # `+` lets the licensee choose the version without it. An exception must be allowed itself.
        return self._allowed is not None and self._allowed.has_any(
            (term.text.lower(), term.text.lower().removesuffix("+"))
        )

    def _unreadable(self, stated: License) -> str | None:
        # Only CycloneDX's `license.name` is free text; anywhere else it has to be an expression.
        if not stated.named:
            return f"{stated.text[:300]!r} is no SPDX license expression"
        # Words around it must not hide a denied identifier: `GPL-3.0-only (see COPYING)`.
        text = plain(stated.text).lower()
        words = (text, *_WORDS.findall(text))
        denied = next((each for each in words if self._denied.has_any((each, *stands_for(each)))), None)
        if denied is not None:
            return f"{stated.text[:300]}: {denied[:100]} is denied"
        return self._listed(stated.text.lower(), stated.text[:300])

    def _listed(self, text: str, shown: str) -> str | None:
        if text in self._denied.exact:
            return f"{shown} (denied)"
        return (
            f"{shown} (not allowed)"
            if self._allowed is not None and text not in self._allowed.exact
            else None
        )


class _Names:
    """Names of licenses in lower case, some of them with any rest.

    Args:
        given: Identifiers, expressions, and identifiers with `*` at the end.
    """

    def __init__(self, given: Iterable[str]) -> None:
        names = tuple(given)
        self.exact = frozenset(_normal(each) for each in names if not each.endswith(ANY))
        self._prefixes = tuple(each[:-1].lower() for each in names if each.endswith(ANY))

    def has_any(self, names: Iterable[str]) -> bool:
        """Return whether one of the names, in lower case, is among these; an exception is no rest of a license's name."""
        return any(
            each in self.exact or (each.startswith(self._prefixes) and " with " not in each) for each in names
        )


class MentionTest:
    """Judges texts as Ratify v1 did: a denied license as a word of the text, an allowed one as the whole of it.

    Beyond v1, a denied one is found in every spelling that people read as it; an allowed one is compared as it is written.

    Args:
        denied: Words.
        allowed: Whole texts that alone are allowed, an empty one for packages that state nothing; None for all.
    """

    def __init__(self, denied: Iterable[str], allowed: Iterable[str] | None) -> None:
        # The boundaries are those of plugins/verifier/sbom/utils/spdxutils.go: blanks and parentheses, no others.
        self._denied = tuple(
            (each, re.compile(rf"(?:^|\(|\s){re.escape(plain(each))}(?:$|\)|\s)", re.IGNORECASE))
            for each in denied
        )
        self._allowed = None if allowed is None else frozenset(allowed)

    @property
    def refuses_unstated(self) -> bool:
        """Whether a package must state a license; v1 compared every package."""
        return False

    def fault(self, stated: License) -> str | None:
        """Return what is wrong with a statement, or None."""
        text = plain(stated.text)
        for name, pattern in self._denied:
            if pattern.search(text):
                return f"{stated.text[:300]}: {name} is denied"
        if self._allowed is not None and stated.text not in self._allowed:
            return f"{stated.text[:300] or 'no license is stated'} is not allowed"
        return None


def _normal(text: str) -> str:
    try:
        return text.lower() if text in UNSTATED else str(Expression(text)).lower()
    except InvalidExpression:
        return text.lower()
