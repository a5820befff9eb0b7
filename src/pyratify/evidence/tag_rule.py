"""A tag tied to the source reference that was signed: an older release under a newer tag passes every other check."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from pyratify.core.errors import ConfigurationError, VerificationError
from pyratify.core.reason import Reason
from pyratify.evidence.judgement import Circumstances, Judgement
from pyratify.evidence.provenance_document import PROVENANCE_TYPES, read_provenance

Captures = Callable[[str], Mapping[str, str | None] | None]
"""Returns the named groups of an expression that matches the whole of a text; None where it does not match."""
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}", re.ASCII)
_CERTIFICATE_REF = "sourceRepositoryRef"


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
        tag = circumstances.tag
        if tag is None:
            if self.options.digest_only == "allow":
                return Judgement()
            raise VerificationError(
                Reason.TAG_REF_MISMATCH,
                "the reference has no tag, so nothing says which release it is meant to be",
                remedy="Verify the image under its tag, or write digestOnly: allow if any release may run by its digest.",
            )
        if tag in self.options.floating:
            return Judgement()
        expected = self._expected(tag)
        for where, found in self._references(document, circumstances):
            if found != expected:
                raise VerificationError(
                    Reason.TAG_REF_MISMATCH,
                    f"the tag {tag!a} stands for {expected!a}, and {where} says {found[:200]!a}",
                )
        return Judgement({"tagMatchesRef": expected})

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
        """Return every statement of a source reference; all of them must agree with the tag."""
        found = [("the signer's certificate", circumstances.certificate.get(_CERTIFICATE_REF, ""))]
        if circumstances.predicate_type in PROVENANCE_TYPES:
            provenance = read_provenance(document, circumstances.predicate_type)
            found.append(("the provenance", provenance.source.reference))
        stated = [each for each in found if each[1]]
        if not stated:
            raise VerificationError(
                Reason.TAG_REF_MISMATCH,
                "neither the statement nor the signer's certificate says which source reference it was built from",
                remedy="Use a builder whose provenance names it, as refs/tags/v1.2.3.",
            )
        return stated


def check_tag_options(options: TagOptions, groups: Mapping[str, int], path: str) -> None:
    """Refuse a reference that names groups which the expression does not have, or that is the same for every tag.

    Args:
        options: The rule.
        groups: The names of the expression's groups.
        path: Where the rule stands.

    Raises:
        ConfigurationError: With the path of the member.
    """
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
