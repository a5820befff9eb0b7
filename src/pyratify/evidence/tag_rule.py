"""A tag tied to the source reference that was signed: an older release under a newer tag passes every other check."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

import msgspec

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError, VerificationError
from pyratify.core.reason import Reason
from pyratify.evidence.judgement import Circumstances, Judgement
from pyratify.evidence.provenance_document import PROVENANCE_TYPES, read_provenance

Captures = Callable[[str], Mapping[str, str | None] | None]
"""Returns the named groups of an expression that matches the whole of a text; None where it does not match."""
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", re.ASCII)  # OCI distribution, "Pulling manifests"
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}", re.ASCII)


class TagOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Which source reference an image under a tag must have been built from.

    Attributes:
        tag: An expression (RE2) that matches the whole tag; what it names in groups stands in `ref`.
        ref: The source reference, with `{name}` for what a group matched, as `refs/tags/v{v}`.
        floating: Tags that move on purpose, as `latest`; they may name any release.
        digest_only: Whether a reference without a tag is allowed; nothing then says which release was meant.
    """

    tag: str
    ref: str
    floating: tuple[str, ...] = ()
    digest_only: Literal["allow", "deny"] = "deny"


@dataclass(frozen=True, slots=True)
class TagJudge:
    """Compares the tag that was asked for with the source reference of provenance, and of the signer's certificate.

    Attributes:
        options: The rule.
        captures: Matches the tag.
    """

    options: TagOptions
    captures: Captures

    def judge(self, document: object, circumstances: Circumstances) -> Judgement:
        """Judge a statement of any type; the predicate of provenance is read.

        Raises:
            VerificationError: `TAG_REF_MISMATCH`, or `PREDICATE_TYPE` for malformed provenance.
        """
        expected = self.check(circumstances.tag, self._references(document, circumstances))
        return Judgement({"tagMatchesRef": expected} if expected else {})

    def check(self, tag: str | None, references: Iterable[tuple[str, str]]) -> str:
        """Compare a tag with every statement of a source reference; return the one that it stands for, empty for any.

        Args:
            tag: The tag that was asked for; None for a digest alone.
            references: What states a reference, and which; empty where it states none.

        Raises:
            VerificationError: `TAG_REF_MISMATCH`.
        """
        # Rollback: a digest alone may be any release, an old and vulnerable one too.
        if tag is None:
            if self.options.digest_only == "allow":
                return ""
            raise VerificationError(
                Reason.TAG_REF_MISMATCH,
                "the reference has no tag, so nothing says which release it is meant to be",
                remedy="Verify the image under its tag, or write digestOnly: allow if any release may run by its digest.",
            )
        if tag in self.options.floating:
            return ""
        expected = self._expected(tag)
        stated = [each for each in references if each[1]]
        if not stated:
            raise VerificationError(
                Reason.TAG_REF_MISMATCH,
                "nothing that is signed says which source reference it was built from",
                remedy="Use a builder whose provenance or certificate names it, as refs/tags/v1.2.3.",
            )
        # All must agree: Fulcio checks what a certificate states, a predicate is the signer's own claim.
        for where, found in stated:
            if found != expected:
                raise VerificationError(
                    Reason.TAG_REF_MISMATCH,
                    f"the tag {tag!a} stands for {expected!a}, and {where} says {found[:200]!a}",
                )
        return expected

    def _expected(self, tag: str) -> str:
        groups = self.captures(tag)
        if groups is None:
            raise VerificationError(
                Reason.TAG_REF_MISMATCH,
                f"the tag {tag!a} does not match {self.options.tag!a}, so it stands for no release",
                remedy="Pull a tag that the expression matches, or name this one in floating.",
            )
        # A group that took no part in the match stands for nothing.
        return _PLACEHOLDER.sub(lambda found: groups[found[1]] or "", self.options.ref)

    def _references(self, document: object, circumstances: Circumstances) -> list[tuple[str, str]]:
        found = [certified_reference(circumstances.certificate)]
        if circumstances.predicate_type in PROVENANCE_TYPES:
            provenance = read_provenance(document, circumstances.predicate_type)
            found.append(("the provenance", provenance.source.reference))
        return found


def certified_reference(certificate: Mapping[str, str]) -> tuple[str, str]:
    """Return the source reference that a signer's certificate states, for `TagJudge.check`."""
    # Certificates before 2023 have GitHub's own name for it alone (Fulcio, oid-info, 1.3.6.1.4.1.57264.1.6).
    stated = certificate.get("sourceRepositoryRef") or certificate.get("githubWorkflowRef", "")
    return "the signer's certificate", stated


def check_tag_options(options: TagOptions, groups: Mapping[str, int], path: str) -> None:
    """Refuse a reference that names groups which the expression does not have, or that is the same for every tag.

    Args:
        options: The rule.
        groups: The names of the expression's groups.
        path: Where the rule stands.

    Raises:
        ConfigurationError: With the path of the member.
    """
    for index, tag in enumerate(options.floating):
        # It would match nothing, and the author of a pattern expects that it works.
        if not _TAG.fullmatch(tag):
            raise ConfigurationError(
                f"{tag[:80]!a} is no tag: each that moves on purpose is named as it is",
                path=f"{path}.floating[{index}]",
                remedy="Write the tag alone, as latest.",
            )
    named = _PLACEHOLDER.findall(options.ref)
    for each in named:
        if each not in groups:
            raise ConfigurationError(
                f"{{{each[:40]}}} names no group of the expression; it has {', '.join(groups) or 'none'}",
                path=f"{path}.ref",
                remedy="Name a group in the expression, as (?P<v>...).",
            )
    if not named:
        raise ConfigurationError(
            "is the same for every tag, so it ties none to its release",
            path=f"{path}.ref",
            remedy="Use a group of the expression, as refs/tags/v{v}.",
        )
