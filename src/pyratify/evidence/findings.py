"""What rules find in a document, for messages: all are counted and the first are shown."""

from collections.abc import Iterable
from itertools import islice

from pyratify.core.dataclass import dataclass

SHOWN = 5
_MAX_TEXT = 160


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a rule refuses.

    Attributes:
        what: The package with its version and its place in the document.
        why: What is wrong with it.
    """

    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.what[:_MAX_TEXT]}: {self.why[:_MAX_TEXT]}"


def count_and_show(findings: Iterable[Finding], one: str, many: str) -> str:
    """Return `3 packages ...: a; b; c`, with the first findings.

    Args:
        findings: In the order in which they are to be shown, the worst first.
        one: What one of them is, as `package has a denied license`.
        many: What several are.
    """
    iterator = iter(findings)
    first = list(islice(iterator, SHOWN))
    total = len(first) + sum(1 for _ in iterator)
    more = f"; and {total - SHOWN} more" if total > SHOWN else ""
    return f"{total} {one if total == 1 else many}: {'; '.join(map(str, first))}{more}"
