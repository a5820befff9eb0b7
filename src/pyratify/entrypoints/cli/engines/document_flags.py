"""The flags of `ratify verify` that ask for documents beside a signature, as SBOMs, and what they mean in a configuration.

A flag is a line of `_FLAGS`: the verifier and the parameter that it stands for.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping
from typing import Any

from pyratify.core.dataclass import dataclass

COSIGN_TAGS = ("att", "sbom")
"""The tags of cosign that documents may be under."""


def _same(text: str) -> Any:
    return text


def read_package(text: str) -> dict[str, str]:
    """Return a denied package: a package URL, or a name with or without `@` and a version."""
    if text.startswith("pkg:"):
        return {"purl": text}
    # The last @: names of npm begin with one.
    name, _, version = text.rpartition("@")
    return {"name": name, "version": version} if name else {"name": text}


def at_least(texts: list[str]) -> list[str]:
    """Return the severities that are as bad as the mildest of these, or worse; one that is none stays, for the verifier to refuse."""
    # Late: only this flag needs it. Synonyms too, as the verifier takes `moderate` for exactly `medium`.
    from pyratify.evidence.vulnerability.severity import Severity, read_severity

    known = [found for text in texts if (found := read_severity(text)) is not None]
    if len(known) < len(texts):
        return texts
    return [each.label for each in reversed(Severity) if each >= min(known)]


def _files(names: list[str]) -> dict[str, list[str]]:
    return {"files": names}


def _last(texts: list[str]) -> str:
    # As argparse does for a flag that takes one value.
    return texts[-1]


@dataclass(frozen=True, slots=True)
class _DocumentFlag:
    """A flag that is a parameter of a verifier of documents.

    Attributes:
        flag: As it is typed; it may be repeated.
        kind: The verifier, which is also the rule of attestations.
        parameter: The verifier's parameter.
        text: What it means.
        metavar: What stands for its value.
        read: Returns the parameter's entry for a value.
        joined: Returns the parameter for all entries, where it is another thing than their list.
        is_file: Whether values are names of files.
    """

    flag: str
    kind: str
    parameter: str
    text: str
    metavar: str
    read: Callable[[str], Any] = _same
    joined: Callable[[list[Any]], Any] = list
    is_file: bool = False

    @property
    def name(self) -> str:
        """The member of the parsed flags."""
        return self.flag.removeprefix("--").replace("-", "_")


_FLAGS = (
    _DocumentFlag(
        "--deny-license",
        "sbom",
        "deniedLicenses",
        "a license (SPDX) that no package of the SBOM may need",
        "ID",
    ),
    _DocumentFlag(
        "--allow-license",
        "sbom",
        "allowedLicenses",
        "a license (SPDX) that packages may have, and no others",
        "ID",
    ),
    _DocumentFlag(
        "--deny-package",
        "sbom",
        "deniedPackages",
        "a package that the SBOM must not list: NAME, NAME@VERSION or a package URL",
        "PACKAGE",
        read_package,
    ),
    _DocumentFlag(
        "--deny-severity",
        "vulnerability",
        "deniedSeverities",
        "a severity that findings of the vulnerability report must not have, nor a worse one: critical, high, medium, low",
        "SEVERITY",
        joined=at_least,
    ),
    _DocumentFlag(
        "--deny-cve", "vulnerability", "deniedCves", "a vulnerability that the report must not name", "ID"
    ),
    _DocumentFlag(
        "--scanner",
        "vulnerability",
        "scanners",
        "a scanner whose reports count, as trivy, and no others",
        "NAME",
    ),
    _DocumentFlag(
        "--max-age",
        "vulnerability",
        "maximumAge",
        "the age that the vulnerability report may have, as 24h",
        "AGE",
        joined=_last,
    ),
    _DocumentFlag(
        "--vex",
        "vulnerability",
        "vex",
        "a VEX document of yours (OpenVEX, CycloneDX) that says which findings do not matter in this image",
        "FILE",
        joined=_files,
        is_file=True,
    ),
)
DENIES: Mapping[str, tuple[str, ...]] = {
    "sbom": ("LICENSE", "PACKAGE_DENIED"),
    "vulnerability": ("VULN_FOUND",),
}
"""By the kind of document, the codes with which one document refuses the image whatever the others say."""


def add_document_flags(parser: ArgumentParser) -> None:
    """Add the flags that ask for documents beside a signature."""
    group = parser.add_argument_group(
        "documents that must be attached and signed, beside the image's own signature"
    )
    group.add_argument(
        "--require-sbom", action="store_true", help="an SBOM must be attached: SPDX or CycloneDX (JSON)"
    )
    for each in _FLAGS:
        group.add_argument(
            each.flag,
            action="append",
            default=[],
            metavar=each.metavar,
            help=each.text if each.joined is _last else f"{each.text} (repeatable)",
        )


def document_flag(arguments: Namespace) -> str:
    """Return the first flag that asks for a document; empty where none does."""
    if getattr(arguments, "require_sbom", False):
        return "--require-sbom"
    return next((each.flag for each in _FLAGS if getattr(arguments, each.name, None)), "")


def document_parameters(arguments: Namespace, place: Callable[[str], str] = str) -> dict[str, dict[str, Any]]:
    """Return the parameters that the flags stand for, by the verifier of each kind of document.

    Args:
        arguments: The command line.
        place: How a path of the flags is spelt.
    """
    found: dict[str, dict[str, Any]] = {}
    if getattr(arguments, "require_sbom", False):
        found["sbom"] = {}
    for each in _FLAGS:
        values = getattr(arguments, each.name, None)
        if values:
            entries = [place(value) if each.is_file else each.read(value) for value in values]
            found.setdefault(each.kind, {})[each.parameter] = each.joined(entries)
    return found


def flag_of(kind: str, path: str) -> str:
    """Return the flag for a path below a verifier's parameters, as `--deny-license` for `deniedLicenses[0]`."""
    parameter = path.partition("[")[0].partition(".")[0]
    return next((each.flag for each in _FLAGS if (each.kind, each.parameter) == (kind, parameter)), "")
