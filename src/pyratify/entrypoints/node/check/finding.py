"""What is wrong with a node, or what it cannot see."""

from enum import StrEnum

from pyratify.core.dataclass import dataclass


class Severity(StrEnum):
    """How bad a finding is.

    GAP lets images past verification; FAULT refuses images that may be pulled; LIMIT cannot be closed with what is checked.
    """

    GAP = "gap"
    FAULT = "fault"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found.

    Attributes:
        severity: How bad it is.
        place: The file, socket, process or command.
        message: One sentence that says what is wrong.
        remedy: One sentence that says what to do.
    """

    severity: Severity
    place: str
    message: str
    remedy: str

    def to_dict(self) -> dict[str, str]:
        """Return the finding as a JSON object."""
        return {
            "severity": self.severity.value,
            "place": self.place,
            "message": self.message,
            "remedy": self.remedy,
        }


def gap(place: object, message: str, remedy: str) -> Finding:
    """Return a finding that lets images past verification."""
    return Finding(Severity.GAP, str(place), message, remedy)


def fault(place: object, message: str, remedy: str) -> Finding:
    """Return a finding that refuses images that may be pulled."""
    return Finding(Severity.FAULT, str(place), message, remedy)


def limit(place: object, message: str, remedy: str) -> Finding:
    """Return a limit: a way past the setting that was checked."""
    return Finding(Severity.LIMIT, str(place), message, remedy)
