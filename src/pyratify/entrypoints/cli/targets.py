"""The references of a command line."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError, InvalidReference
from pyratify.core.files import UnreadableFile
from pyratify.core.reference import Reference, is_layout
from pyratify.terminal.inputs import input_name, read_input

# A space before #, as in YAML: without it, `app#1` would be cut to another, valid reference.
_COMMENT = re.compile(r"(?:^|[ \t])#.*")
_MAX_BYTES = 64 * 1024 * 1024  # about a million references
_LIST = "Give a UTF-8 text file with one reference a line."


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to look at.

    Attributes:
        reference: Where it is.
        scope: The repository that a layout stands for.
    """

    reference: Reference
    scope: Reference | None = None


class InvalidTargets(InvalidReference):
    """Several texts that are not references.

    Args:
        faults: What is wrong with each of them.
    """

    def __init__(self, faults: Sequence[InvalidReference]) -> None:
        message = f"{len(faults)} texts are no references"
        super().__init__(faults[0].reason, message, remedy=faults[0].remedy)
        self.faults = tuple(faults)


def parse_target(text: str, scope: str | None = None) -> Target:
    """Parse a reference as the command line takes it, layouts included.

    Raises:
        InvalidReference: `REF_INVALID` or `REF_AMBIGUOUS`.
    """
    reference = _reference(text)
    if scope is None or not reference.is_layout:
        return Target(reference)
    named = Reference.parse(scope)
    # Reference.parse puts :latest where there is no tag; anything else was typed.
    if named.digest is not None or str(named).removesuffix(":latest") != named.name:
        raise ConfigurationError(
            f"--scope: {scope!r} is not a repository", remedy="Write it as registry/repository."
        )
    return Target(reference, named)


def _reference(text: str) -> Reference:
    if is_layout(text):
        # Only here: a layout reads the local disk, which references of a cluster must not (decision 0007).
        return Reference.parse_layout(text)
    try:
        return Reference.parse(text)
    except InvalidReference as error:
        raise InvalidReference(error.reason, error.message, remedy=_remedy(text, error.remedy)) from None


def _remedy(text: str, otherwise: str) -> str:
    """Return what to do about a text that is no reference, as the path of a file or an address with a scheme."""
    if not text.strip():
        return "Give a reference; where it comes from a variable of the shell, that is empty."
    scheme, colon, rest = text.partition("://")
    if colon and scheme in ("http", "https", "docker", "oci"):
        flag = " and give --plain-http" if scheme == "http" else ""
        return f"Leave out {scheme}://{flag}: {rest[:200]!a}."
    path = Path(text)
    try:
        # A file or folder of that name is no proof that it is meant, so it is suggested and not taken.
        kind = "oci-archive" if path.is_file() else "oci" if path.is_dir() else ""
    except (OSError, ValueError):  # a name too long for the file system, or with a NUL
        return otherwise
    return f"If the layout on disk is meant, write {kind}:{text[:200]}." if kind else otherwise


def read_targets(texts: tuple[str, ...], file: str | None, scope: str | None = None) -> tuple[Target, ...]:
    """Return what to look at, in the order given.

    Args:
        texts: The references of the command line.
        file: A file with one reference a line, `-` for standard input; `#` at a line's start or after a space begins a comment.
        scope: The repository that layouts stand for.

    Raises:
        InvalidReference: One of them is none; the message says on which line. `InvalidTargets` where several are.
        ConfigurationError: There is none at all, or the file cannot be read.
    """
    given = [("", text) for text in texts]
    if file is not None:
        given.extend(_lines(file))
    targets, faults = [], []
    for where, text in given:
        try:
            # All faults of a long list at once, and before the first request: half a run is no answer.
            targets.append(parse_target(text, scope))
        except InvalidReference as error:
            faults.append(InvalidReference(error.reason, f"{where}{error.message}", remedy=error.remedy))
    if faults:
        raise faults[0] if len(faults) == 1 else InvalidTargets(faults)
    if not targets:
        raise ConfigurationError(
            "no reference given", remedy="Give a reference, or a file of them with --from-file."
        )
    return tuple(targets)


def _lines(file: str) -> Iterator[tuple[str, str]]:
    """Iterate over the references of a file, each with the words that say where it stands."""
    # Not splitlines(): it also breaks at U+2028 or form feed, and the numbers would differ from an editor's.
    for number, line in enumerate(_read(file).split("\n"), 1):
        text = _COMMENT.sub("", line).strip(" \t\r")
        if text:
            yield f"{input_name(file)}, line {number}: ", text


def _read(file: str) -> str:
    try:
        # utf-8-sig: Windows editors put a byte order mark before the first reference.
        return read_input(file, _MAX_BYTES).decode("utf-8-sig")
    except UnreadableFile as error:
        raise ConfigurationError(f"--from-file: {input_name(file)} {error}", remedy=_LIST) from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"--from-file: {input_name(file)} is not UTF-8 at byte {error.start}", remedy=_LIST
        ) from None
