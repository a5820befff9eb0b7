"""What an SBOM must state of itself and of its packages."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.evidence.age import check_age
from pyratify.evidence.findings import Finding, count_and_show
from pyratify.evidence.judgement import Circumstances
from pyratify.evidence.sbom.document import UNSTATED, Package, Sbom

_PURL = re.compile(r"\s*pkg:/*[^/\s]+/[^\s]", re.ASCII | re.IGNORECASE)  # with a type and a name
_FILES = frozenset(("file", "data", "cryptographic-asset"))  # no packages with a supplier or a version


@dataclass(frozen=True, slots=True)
class Requirements:
    """What an SBOM must state.

    Attributes:
        minimum_packages: How many packages it lists at least, the described one included and files not.
        fields: What each package states: `supplier`, `version`, `purl`, `license`.
        tools: Names of tools, one of which made it; empty for any.
        maximum_age: How old it may be; None for any age.
        subject_digest: Whether it must name the digest of the artifact that it is attached to.
        external_documents: Whether it may leave a part of its contents to other documents, which are not read.
    """

    minimum_packages: int = 1
    fields: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    maximum_age: timedelta | None = None
    subject_digest: bool = False
    external_documents: bool = False

    def check(self, sbom: Sbom, circumstances: Circumstances) -> datetime | None:
        """Refuse an SBOM that lacks something; return when it will be too old, None where it never is.

        Raises:
            VerificationError: `SBOM_INVALID`, `PAYLOAD_SUBJECT_MISMATCH`, `EVIDENCE_STALE` or `TIME_INVALID`.
        """
        # SPDX 2.3, clause 6.6, and BOM-Link: a denied package could be in the document that is not read.
        if sbom.external and not self.external_documents:
            _refuse(
                f"the SBOM leaves a part of its contents to other documents, which are not read: {sbom.external[0][:200]}",
                "Attach one SBOM with all packages, or set externalDocuments to ignore.",
            )
        # An empty SBOM satisfies every rule about packages.
        count = sum(package.kind not in _FILES for package in sbom.packages)
        if count < self.minimum_packages:
            _refuse(
                f"the SBOM lists {count} packages, and at least {self.minimum_packages} are required",
                "Make the SBOM of the built image with a tool that finds its packages.",
            )
        self._check_tools(sbom)
        self._check_subject(sbom, circumstances.subject.digest)
        self._check_fields(sbom.packages)
        times = (sbom.created, circumstances.signed_at)
        return check_age(
            "SBOM",
            times,
            self.maximum_age,
            circumstances.now,
            undated="Make the SBOM with a tool that states its time, or sign it with a timestamp.",
            stale="Make the SBOM again, or allow a greater age.",
        )

    def _check_tools(self, sbom: Sbom) -> None:
        found = [each.lower() for each in sbom.tools]
        if self.tools and not any(_is_tool(each, name.lower()) for each in found for name in self.tools):
            made = (
                f"was made by {', '.join(sbom.tools)[:200]}" if sbom.tools else "names no tool that made it"
            )
            _refuse(
                f"the SBOM {made}, and one of these is required: {', '.join(self.tools)[:200]}",
                "Make the SBOM with a tool that the policy names.",
            )

    def _check_subject(self, sbom: Sbom, digest: object) -> None:
        if not self.subject_digest or str(digest) in sbom.digests:
            return
        named = f"names {', '.join(sorted(sbom.digests))[:300]}" if sbom.digests else "names no digest"
        raise VerificationError(
            Reason.PAYLOAD_SUBJECT_MISMATCH,
            f"the SBOM {named} as what it describes, and it is attached to {digest}",
            remedy="Make the SBOM of this very image, after it was pushed.",
        )

    def _check_fields(self, packages: Iterable[Package]) -> None:
        findings = list(_lacking(packages, self.fields)) if self.fields else []
        if findings:
            _refuse(
                count_and_show(findings, "package lacks a required field", "packages lack a required field"),
                "Make the SBOM with a tool that states them, or require less.",
            )


def _lacking(packages: Iterable[Package], fields: tuple[str, ...]) -> Iterator[Finding]:
    for package in packages:
        stated = {
            "supplier": package.supplier.strip(),
            "version": package.version.strip() not in UNSTATED,
            "purl": any(map(_PURL.match, package.purls)),
            "license": any(each.text not in UNSTATED for each in package.licenses),
        }
        missing = [name for name in fields if not stated[name]]
        if missing and package.kind not in _FILES:
            yield Finding(package.shown, f"no {', no '.join(missing)}")


def _is_tool(found: str, name: str) -> bool:
    """Return whether a tool, as `syft-0.76.0` or `syft 1.0`, is of that name."""
    # SPDX 2.3, clause 6.8: `Tool: identifier-version`; without a separator `syftx` would be `syft`.
    return found == name or (found.startswith(name) and found[len(name)] in "- @/:")


def _refuse(message: str, remedy: str) -> None:
    raise VerificationError(Reason.SBOM_INVALID, message, remedy=remedy)
