"""The interface of languages (entry points of the group `pyratify.languages`)."""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError, VerificationError
from pyratify.core.reason import Reason

MAX_TEXT = 64 * 1024
CHANGE_RULE = "Attest what the rule asks for, or change the rule."
"""What to do where a rule of a verifier is not true."""
_CORRECT = "Correct the rule: it must give true or false for all that it is asked with, also where a member is missing."


class Kind(StrEnum):
    """The type of a variable; LIST is a list of objects."""

    TEXT = "text"
    LIST = "list"
    ANY = "any"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Source:
    """What is to be compiled.

    Attributes:
        text: The expression or policy.
        variables: What it may name, with dots where a name is below another; languages without declarations ignore the types.
        path: Where in the configuration it stands.
        options: What else the language has to know, as the version of its syntax.
        lists: The members of objects in a variable of kind LIST that are lists of such objects, too; no other member holds any. Empty
            where that is not known. With it, a program may say in `members` which members it can see; None for all.
    """

    text: str
    variables: Mapping[str, Kind]
    path: str
    options: Mapping[str, str] = field(default_factory=dict, hash=False)
    lists: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of an evaluation.

    Attributes:
        holds: Whether the answer was exactly true.
        messages: Why not, as the author of the rule says it.
    """

    holds: bool
    messages: tuple[str, ...] = ()


class SharedValues(dict[str, Any]):
    """Values that several programs are evaluated over, one after the other in one thread; none of them changes.

    Attributes:
        prepared: What a language has made of them, by its own keys, for the next of its programs.
    """

    __slots__ = ("prepared",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.prepared: dict[Any, Any] = {}


class EvaluationError(VerificationError):
    """A program could not be evaluated, or gave no bool; never a reason to allow."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.POLICY_ERROR, message, remedy=_CORRECT)


class Program(Protocol):
    """A compiled source; safe between threads, and without access to network, files, clock or environment."""

    @property
    def reads(self) -> frozenset[str]:
        """The variables that it names."""
        ...

    def evaluate(self, values: Mapping[str, Any]) -> Answer:
        """Evaluate it.

        Args:
            values: Of the variables that it names: JSON values, and times for those of kind TIME.

        Raises:
            EvaluationError: A field is missing or of another type, the work is more than allowed, or the answer is no bool.
        """
        ...


@runtime_checkable
class AsyncProgram(Program, Protocol):
    """A program that another process evaluates: waiting for it needs no thread."""

    async def evaluate_async(self, values: Mapping[str, Any]) -> Answer:
        """Evaluate it; arguments and errors as in `evaluate`."""
        ...


class Language(Protocol):
    """A language for rules."""

    def compile(self, source: Source) -> Program:
        """Compile a source.

        Raises:
            ConfigurationError: It cannot be compiled, cannot give a bool, or the language's extra is not installed.
        """
        ...


def check_length(source: Source) -> None:
    """Refuse an empty source and one that is too long.

    Raises:
        ConfigurationError: With its path.
    """
    if not source.text.strip():
        raise ConfigurationError("it is empty, so it could decide nothing", path=source.path)
    if len(source.text) > MAX_TEXT:
        raise ConfigurationError(
            f"it has {len(source.text)} characters, more than the {MAX_TEXT} allowed", path=source.path
        )


def not_installed(extra: str, path: str) -> ConfigurationError:
    """Return the error for an extra that is missing."""
    return ConfigurationError(
        f"the extra {extra!r} is not installed",
        path=path,
        remedy=f"Run: pip install 'pyratify[{extra}]'.",
    )
