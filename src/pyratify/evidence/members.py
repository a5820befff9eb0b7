"""Reading members of documents of untrusted origin by their path; what is missing or of another type is named by it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.times import InvalidTime, parse_rfc3339


class Members:
    """An object of a document, whose members are read one by one.

    Args:
        value: A JSON value that must be an object.
        what: The kind of document, for messages, as `provenance`.
        path: Where the object stands in it; empty for the document itself.
        reason: The code for a document that does not follow its format.

    Raises:
        VerificationError: With that code: it is no object.
    """

    __slots__ = ("_prefix", "_reason", "_what", "value")

    def __init__(
        self, value: object, what: str, path: str = "", reason: Reason = Reason.PREDICATE_TYPE
    ) -> None:
        self._what, self._reason = what, reason
        self._prefix = f"{path}." if path else ""
        if not isinstance(value, dict):
            self.malformed(f"{path or 'the document'} {_not(value, 'object')}")
        self.value: Mapping[str, Any] = value

    @property
    def path(self) -> str:
        """Where the object stands in its document; empty for the document itself."""
        return self._prefix[:-1]

    def object(self, name: str, *, required: bool = False) -> "Members":
        """Return a member that is an object; an empty one where it is not set and not required."""
        found = self.value.get(name)
        if found is None and not required:
            found = {}
        return Members(found, self._what, self._prefix + name, self._reason)

    def text(self, name: str, *, required: bool = False) -> str:
        """Return a member that is a text; empty where it is not set and not required."""
        found = self.value.get(name)
        if found is None and not required:
            return ""
        if required and found == "":
            self.malformed(f"{self._prefix}{name} is empty")
        if not isinstance(found, str):
            self.malformed(f"{self._prefix}{name} {_not(found, 'text')}")
        return found

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a member that is a list of texts; empty where it is not set."""
        found = self._list(name)
        if not all(isinstance(each, str) for each in found):
            self.malformed(f"{self._prefix}{name} has an entry that is no text")
        return tuple(found)

    def objects(self, name: str) -> tuple["Members", ...]:
        """Return a member that is a list of objects; empty where it is not set."""
        return tuple(
            Members(each, self._what, f"{self._prefix}{name}[{index}]", self._reason)
            for index, each in enumerate(self._list(name))
        )

    def time(self, name: str) -> datetime | None:
        """Return a member that is a time (RFC 3339); None where it is not set."""
        found = self.text(name)
        try:
            return parse_rfc3339(found) if found else None
        except InvalidTime as error:
            self.malformed(f"{self._prefix}{name} is {error}")

    def malformed(self, message: str) -> NoReturn:
        """Refuse the document.

        Raises:
            VerificationError: With the document's code.
        """
        raise VerificationError(
            self._reason,
            f"malformed {self._what}: {message}",
            remedy=f"Ask the publisher for a {self._what} that follows its format.",
        )

    def _list(self, name: str) -> list[Any]:
        found = self.value.get(name)
        # null and absent are the same, as Go's programs write them; any other type is refused, and never taken for empty.
        if found is None:
            return []
        if not isinstance(found, list):
            self.malformed(f"{self._prefix}{name} {_not(found, 'list')}")
        return found


def _not(value: object, wanted: str) -> str:
    """Return what is wrong with a JSON value that is none of the wanted kind, for messages."""
    return "is missing" if value is None else f"is {kind(value)} and no {wanted}"


def kind(value: object) -> str:
    """Return what a JSON value is, for messages."""
    # By exact type: `bool` is a subclass of `int`.
    names: Mapping[type, str] = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "a text" if value else "an empty text",
        list: "a list",
        dict: "an object",
    }
    return names.get(type(value), "another value")
