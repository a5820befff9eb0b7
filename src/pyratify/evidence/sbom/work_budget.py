"""Bounds the work that one document may cause: expressions, package URLs and versions are parsed by libraries, at its author's choice."""

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason

MOST = 1_000_000
"""Of one document: some seconds at worst, and a tenth of it for 5,000 packages as tools write them."""
EXPRESSION, PACKAGE_URL, VERSION = 2, 1, 20
"""What a character costs: parsing it takes 7, 2.5 and up to 60 microseconds."""

NAME_CHARACTERS = 8
"""How many characters of a free name cost 1: its words are looked through, half a microsecond each character, and not parsed."""


class WorkBudget:
    """What is left of the work that one document may cause."""

    def __init__(self) -> None:
        self._left = MOST

    def spend(self, characters: int, price: int) -> None:
        """Spend on a text that is to be parsed.

        Raises:
            VerificationError: `PARSE_LIMIT`: nothing is left.
        """
        self._left -= characters * price
        if self._left < 0:
            raise VerificationError(
                Reason.PARSE_LIMIT,
                "the SBOM has longer licenses, package URLs or versions to compare than one document may have",
                remedy="Ask the publisher for an SBOM with licenses and versions as tools write them.",
            )
