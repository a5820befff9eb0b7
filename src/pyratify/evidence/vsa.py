"""Rules for verification summaries: which verifiers and signers count, and what must have been verified."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError, VerificationError
from pyratify.core.reason import Reason
from pyratify.evidence.age import check_age, optional_duration
from pyratify.evidence.judgement import Circumstances, Denial, Judgement
from pyratify.evidence.levels import FAILED, all_reach, is_known, reaches
from pyratify.evidence.patterns import check_patterns, matches
from pyratify.evidence.vsa_document import VerificationSummary, read_summary
from pyratify.pki.times import format_time

# Public keys of trust policies, and identities in certificates, as reports name signers.
_SIGNER = re.compile(r"spki:sha256:[0-9a-f]{64}|sigstore:[^#]+#.+", re.ASCII)
# in-toto, `DigestSet`: `sha256`, and of policies in git `gitCommit` or `gitBlob`.
_DIGEST = re.compile(r"[a-z][A-Za-z0-9]{1,19}:[0-9a-f]{32,128}", re.ASCII)


class SummaryOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A verifier whose summaries count, and what they must say; in names, `*` stands for anything within one part of a path.

    Attributes:
        verifier_id: The verifier, exactly.
        signers: Who signs for this verifier, as reports name signers: `spki:sha256:HEX` or `sigstore:ISSUER#SUBJECT`.
        resource_uris: What the artifact may have been verified as.
        policy_uris: The policies that it may have been verified against.
        policy_digests: The versions of them, as `sha256:HEX` or `gitCommit:HEX`.
        levels: The levels that must have been verified, all of them; a higher one of the same track is enough.
        dependency_levels: The levels that all dependencies must have reached.
        maximum_age: The age that the verification may have, as `720h`.
    """

    verifier_id: str
    signers: tuple[str, ...]
    resource_uris: tuple[str, ...]
    policy_uris: tuple[str, ...] = ()
    policy_digests: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    dependency_levels: tuple[str, ...] = ()
    maximum_age: str | None = None


@dataclass(frozen=True, slots=True)
class SummaryJudge:
    """Judges verification summaries; one of the entries has to be satisfied.

    Attributes:
        entries: The verifiers that count, each with the age that its summaries may have; one without signers trusts every signer
            of the trust policy.
    """

    entries: tuple[tuple[SummaryOptions, timedelta | None], ...]

    def judge(self, document: object, circumstances: Circumstances) -> Judgement:
        """Judge a summary.

        Raises:
            Denial: A verifier that counts says that verification failed.
            VerificationError: `PREDICATE_TYPE`, `PROVENANCE_MISMATCH`, `EVIDENCE_STALE` or `TIME_INVALID`.
        """
        found = read_summary(document)
        problems: list[VerificationError] = []
        for options, maximum in self._trusted(found, circumstances.signer):
            try:
                _check(found, options)
                times = (found.verified, circumstances.signed_at)
                end = check_age(
                    "verification summary",
                    times,
                    maximum,
                    circumstances.now,
                    undated="Ask for a summary that states timeVerified, or sign it with a timestamp.",
                    stale="Have the image verified again, or allow a greater age.",
                )
                return Judgement(facts_of(found), end)
            # Of several entries for one verifier, each stands for itself; a denial stands for all.
            except Denial:
                raise
            except VerificationError as error:
                problems.append(error)
        # Never empty: `_trusted` raises where no entry is left.
        raise problems[0]

    def _trusted(
        self, found: VerificationSummary, signer: str
    ) -> list[tuple[SummaryOptions, timedelta | None]]:
        """Return the entries for this pair of verifier and signer (slsa.dev, "How to verify", step 4)."""
        named = [each for each in self.entries if each[0].verifier_id == found.verifier]
        if not named:
            expected = " or ".join(dict.fromkeys(options.verifier_id for options, _ in self.entries))
            raise _mismatch("verifier", found.verifier, expected)
        pairs = [each for each in named if not each[0].signers or signer in each[0].signers]
        if not pairs:
            signers = " or ".join(dict.fromkeys(each for options, _ in named for each in options.signers))
            raise _mismatch(f"signer of summaries by {found.verifier}", signer, signers)
        return pairs


def summary_judge(entries: tuple[SummaryOptions, ...], path: str) -> SummaryJudge:
    """Return the judge for these verifiers.

    Raises:
        ConfigurationError: No verifier, or one without signers, resource or levels; a level or duration that is none.
    """
    if not entries:
        raise ConfigurationError("names no verifier, so no summary could count", path=path)
    found = []
    for index, options in enumerate(entries):
        where = f"{path}[{index}]"
        _check_options(options, where)
        found.append((options, optional_duration(options.maximum_age, f"{where}.maximumAge")))
    return SummaryJudge(tuple(found))


def facts_of(found: VerificationSummary) -> dict[str, Any]:
    """Return the facts of a summary for reports; only what is stated."""
    facts: dict[str, Any] = {
        "verifierId": found.verifier,
        "resourceUri": found.resource,
        "policyUri": found.policy,
        "verifiedLevels": list(found.levels),
        "timeVerified": "" if found.verified is None else format_time(found.verified),
    }
    return {name: value for name, value in facts.items() if value}


def _check(found: VerificationSummary, options: SummaryOptions) -> None:
    # slsa.dev, "How to verify", step 5.
    for what, expected, actual in (
        ("resource", options.resource_uris, found.resource),
        ("policy", options.policy_uris, found.policy),
    ):
        if expected and not matches(expected, actual):
            raise _mismatch(what, actual, " or ".join(expected))
    # `policy.digest` may have several algorithms: one expected digest is enough.
    if options.policy_digests and not set(options.policy_digests) & set(_digests(found)):
        raise _mismatch("policy's digest", ", ".join(_digests(found)), " or ".join(options.policy_digests))
    # Step 6. A level FAILED is a failed verification, whatever the result says.
    if FAILED in (found.result, *found.levels):
        raise Denial(
            Reason.PROVENANCE_MISMATCH,
            f"{found.verifier[:200]} verified this artifact as {found.resource[:200]!a}, and verification failed",
            remedy="Do not run it; ask the verifier why. Other evidence does not outweigh this.",
        )
    if found.result != "PASSED":
        raise VerificationError(
            Reason.PROVENANCE_MISMATCH,
            f"the result of the verification is {found.result[:300]!a}, not PASSED",
            remedy="Ask the verifier for a summary that says PASSED, in capitals.",
        )
    # Step 7.
    for level in options.levels:
        if not reaches(found.levels, level):
            raise _mismatch(
                "verified level",
                ", ".join(found.levels),
                f"{level} or higher",
                "Ask for a summary that reaches it, or ask for another level in levels.",
            )
    for level in options.dependency_levels:
        if found.dependency_levels is None or not all_reach(found.dependency_levels, level):
            counts = found.dependency_levels or {}
            stated = ", ".join(f"{number} at {name}" for name, number in counts.items())
            raise _mismatch(
                "level of the dependencies",
                stated,
                f"{level} or higher for all",
                "Ask for a summary that counts them so, or ask for another level in dependencyLevels.",
            )


def _digests(found: VerificationSummary) -> Iterator[str]:
    return (f"{name}:{value}" for name, value in found.policy_digests.items() if isinstance(value, str))


def _check_options(options: SummaryOptions, path: str) -> None:
    # Without signers any trusted signer could speak as this verifier (step 4).
    for name, value in (
        ("verifierId", (options.verifier_id,)),
        ("signers", options.signers),
        ("resourceUris", options.resource_uris),
    ):
        if not value or "" in value:
            raise ConfigurationError("is empty", path=f"{path}.{name}", remedy="Name what is expected.")
    # Without a level, a summary would say that something was verified, and not what (step 7).
    if not options.levels:
        raise ConfigurationError(
            "names no level that must have been verified",
            path=f"{path}.levels",
            remedy="Name one, as SLSA_BUILD_LEVEL_2.",
        )
    # Required, so it cannot be left out.
    check_patterns(options.resource_uris, f"{path}.resourceUris", "Name what is expected.")
    check_patterns(options.policy_uris, f"{path}.policyUris")
    for index, digest in enumerate(options.policy_digests):
        if not _DIGEST.fullmatch(digest):
            raise ConfigurationError(
                f"{digest[:80]!r} is no digest, so no summary could state it",
                path=f"{path}.policyDigests[{index}]",
                remedy="Write it as sha256:HEX or gitCommit:HEX, the digits in small letters.",
            )
    for index, signer in enumerate(options.signers):
        if not _SIGNER.fullmatch(signer):
            raise ConfigurationError(
                f"{signer[:120]!a} is no signer as reports name them, so no summary could be signed by it",
                path=f"{path}.signers[{index}]",
                remedy="Write spki:sha256:HEX or sigstore:ISSUER#SUBJECT, as a report on one of its summaries has it under `signers`.",
            )
    check_levels(f"{path}.levels", options.levels)
    check_levels(f"{path}.dependencyLevels", options.dependency_levels)


def check_levels(path: str, levels: tuple[str, ...]) -> None:
    """Refuse a level that no summary can state.

    Raises:
        ConfigurationError: With its path.
    """
    for index, level in enumerate(levels):
        if not is_known(level):
            raise ConfigurationError(
                f"{level[:80]!r} is no SLSA level",
                path=f"{path}[{index}]",
                remedy="Write it as SLSA_BUILD_LEVEL_2, SLSA_SOURCE_LEVEL_1 or SLSA_SOURCE_TWO_PARTY_REVIEWED.",
            )


def _mismatch(what: str, actual: str, expected: str, remedy: str = "") -> VerificationError:
    said = f"the {what} is {actual[:300]!a}, not {expected[:300]}"
    missing = f"the verification summary names no {what}, and it must be {expected[:300]}"
    return VerificationError(
        Reason.PROVENANCE_MISMATCH,
        said if actual else missing,
        remedy=remedy
        or f"Ask for a summary that says so; if this {what} is to be trusted, name it in the policy.",
    )
