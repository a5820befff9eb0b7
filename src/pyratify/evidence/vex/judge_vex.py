"""The judge of VEX documents that are evidence themselves."""

from collections import Counter
from datetime import timedelta
from typing import NoReturn

import msgspec

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError, VerificationError
from pyratify.core.reason import Reason
from pyratify.evidence.age import check_age, optional_duration
from pyratify.evidence.cosign_predicate import unwrapped
from pyratify.evidence.judgement import Circumstances, Judgement
from pyratify.evidence.vex.read_vex import read_vex
from pyratify.evidence.vex.statement import Status, VexDocument
from pyratify.pki.times import format_time

_FACTS = {
    Status.NOT_AFFECTED: "notAffected",
    Status.FIXED: "fixed",
    Status.AFFECTED: "affected",
    Status.UNDER_INVESTIGATION: "underInvestigation",
}


class VexRuleOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Rules for a VEX document, all of which must hold; it must say something of this image, named by its digest.

    Attributes:
        authors: Who may have written it, exactly as its `author` says.
        maximum_age: The age that it may have, as `720h`.
        denied_statuses: What it must not say of this image: `affected`, `under_investigation`.
    """

    authors: tuple[str, ...] = ()
    maximum_age: str | None = None
    denied_statuses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VexJudge:
    """Judges VEX documents.

    Attributes:
        authors: Who may have written them; all when empty.
        maximum_age: The age that they may have; None for any.
        denied: What they must not say of the image.
    """

    authors: frozenset[str]
    maximum_age: timedelta | None
    denied: frozenset[Status]

    def judge(self, document: object, circumstances: Circumstances) -> Judgement:
        """Judge a VEX document.

        Raises:
            VerificationError: `REPORT_INVALID`, `TIME_INVALID`, `EVIDENCE_STALE` or `VULN_FOUND`.
        """
        found = read_vex(unwrapped(document))
        # The author is a claim of the document: the rule narrows what its signature vouches for, and replaces none.
        if self.authors and found.author not in self.authors:
            _refuse(
                f"the VEX document is by {found.author[:120]!r}, not by {' or '.join(sorted(self.authors))}",
                "Name its author in authors if it is to count.",
            )
        times = (found.created, circumstances.signed_at)
        end = check_age(
            "VEX document",
            times,
            self.maximum_age,
            circumstances.now,
            undated="Use a tool that states the document's time, or sign with a timestamp.",
            stale="Ask its author for a new one.",
        )
        statuses = self._statuses(found, str(circumstances.subject.digest))
        known = [time for time in times if time is not None]
        facts = {
            "vexFormat": found.format,
            "author": found.author[:200],
            "statements": sum(statuses.values()),
        }
        facts |= {name: statuses[status] for status, name in _FACTS.items()}
        return Judgement(facts | ({"createdAt": format_time(min(known))} if known else {}), end)

    def _statuses(self, document: VexDocument, subject: str) -> Counter[Status]:
        # By digest alone: a name with a version or a tag may stand for another image tomorrow.
        about = [
            statement
            for statement in document.statements
            if any(subject in product.digests for product in statement.products)
        ]
        # A document about other images must not pass as evidence for this one.
        if not about:
            _refuse(
                f"the VEX document says nothing of {subject}",
                "Name the image by its digest, as pkg:oci/NAME@sha256%3A..., among the products.",
            )
        for statement in about:
            if statement.status in self.denied:
                raise VerificationError(
                    Reason.VULN_FOUND,
                    f"the VEX document says {statement.status.value} of {', '.join(sorted(statement.names))[:200]}",
                )
        return Counter(statement.status for statement in about)


def load_vex_judge(options: VexRuleOptions, path: str) -> VexJudge:
    """Return the judge of these rules.

    Raises:
        ConfigurationError: A status or a duration that is none.
    """
    # A variable that is not set must not accept documents that name no author.
    if not all(each.strip() for each in options.authors):
        raise ConfigurationError(
            "names no author", path=f"{path}.authors", remedy="Leave the rule out for any."
        )
    known = {status.value: status for status in Status}
    for index, name in enumerate(options.denied_statuses):
        if name not in known:
            raise ConfigurationError(
                f"{name[:40]!r} is no status of VEX: write one of {', '.join(known)}",
                path=f"{path}.deniedStatuses[{index}]",
            )
    return VexJudge(
        frozenset(options.authors),
        optional_duration(options.maximum_age, f"{path}.maximumAge"),
        frozenset(known[name] for name in options.denied_statuses),
    )


def _refuse(message: str, remedy: str) -> NoReturn:
    raise VerificationError(Reason.REPORT_INVALID, message, remedy=remedy)
