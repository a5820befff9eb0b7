"""Rules for SLSA provenance: which builder, from which source, how, and how long ago."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError, VerificationError
from pyratify.core.reason import Reason
from pyratify.evidence.age import check_age, optional_duration
from pyratify.evidence.json_difference import difference
from pyratify.evidence.judgement import Circumstances, Judgement
from pyratify.evidence.patterns import check_patterns, matches
from pyratify.evidence.provenance_document import Provenance, read_provenance
from pyratify.evidence.source_uri import read_source_uri
from pyratify.pki.times import format_time

# As BuildKit, Docker Hardened Images and Tekton name images; others are source code and packages.
_IMAGES = ("pkg:docker/", "pkg:oci/", "docker://", "oci://")
# Details of a result are bounded (decision 0049).
_MOST_IMAGES = 20


class ProvenanceRules(NamedTuple):
    """Rules for SLSA provenance; `ProvenanceOptions` says what each means.

    Apart from the options, whose library costs one-shot programs 12 ms.
    """

    builder_ids: tuple[str, ...] = ()
    source_uris: tuple[str, ...] = ()
    source_refs: tuple[str, ...] = ()
    build_types: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = MappingProxyType({})
    maximum_age: str | None = None


@dataclass(frozen=True, slots=True)
class ProvenanceJudge:
    """Judges SLSA provenance.

    Attributes:
        options: The rules.
        sources: The repositories of `source_uris`, in the spelling of `SourceUri`.
        maximum_age: The age that the build may have; None for any.
    """

    options: ProvenanceRules
    sources: tuple[str, ...]
    maximum_age: timedelta | None

    def judge(self, document: object, circumstances: Circumstances) -> Judgement:
        """Judge a provenance predicate.

        Raises:
            VerificationError: `PREDICATE_TYPE`, `PROVENANCE_MISMATCH`, `EVIDENCE_STALE` or `TIME_INVALID`.
        """
        found = read_provenance(document, circumstances.predicate_type)
        self._check_names(found)
        expected = self.options.parameters
        if expected and (missing := difference(dict(expected), found.parameters)):
            raise _mismatch("parameter", *missing)
        check_certificate(found, circumstances.certificate)
        # SLSA, `BuildMetadata`: both times are optional.
        times = (found.finished or found.started, circumstances.signed_at)
        end = check_age("provenance", times, self.maximum_age, circumstances.now)
        return Judgement(facts_of(found), end)

    def _check_names(self, found: Provenance) -> None:
        rules = self.options
        for what, expected, actual in (
            ("builder", rules.builder_ids, found.builder),
            ("source", self.sources, found.source.repository),
            ("source reference", rules.source_refs, found.source.reference),
            ("build type", rules.build_types, found.build_type),
        ):
            if expected and not matches(expected, actual):
                raise _mismatch(what, actual, " or ".join(expected))


def provenance_judge(options: ProvenanceRules, path: str) -> ProvenanceJudge:
    """Return the judge for these rules.

    Raises:
        ConfigurationError: No rule, a pattern that matches everything, or a duration that is none.
    """
    if not any(options):
        raise ConfigurationError(
            "has no rule, so any provenance would do",
            path=path,
            remedy="Name builderIds and sourceUris, or write anyContent: true in place of it.",
        )
    for name in ("builder_ids", "source_uris", "source_refs", "build_types"):
        check_patterns(getattr(options, name), f"{path}.{_camel(name)}")
    # In the evidence's spelling, so that `git+`, `.git` and the case of the host make no difference.
    sources = tuple(read_source_uri(each) for each in options.source_uris)
    for index, each in enumerate(sources):
        if each.reference:
            raise ConfigurationError(
                f"{options.source_uris[index]!r} names a reference too",
                path=f"{path}.sourceUris[{index}]",
                remedy=f"Write {each.repository}, and {each.reference} as a source reference (sourceRefs, --source-ref).",
            )
    # Again, as they are compared.
    check_patterns(tuple(each.repository for each in sources), f"{path}.sourceUris")
    maximum = optional_duration(options.maximum_age, f"{path}.maximumAge")
    return ProvenanceJudge(options, tuple(each.repository for each in sources), maximum)


def facts_of(found: Provenance) -> dict[str, Any]:
    """Return the facts of a provenance for reports: texts, the images that went into the build, and only what is stated."""
    built = found.finished or found.started
    facts = {
        "builder": found.builder,
        "buildType": found.build_type,
        "source": found.source.repository,
        "sourceRef": found.source.reference,
        "sourceDigest": found.source_digest,
        "builtAt": "" if built is None else format_time(built),
        "baseImages": images_of(found),
    }
    return {name: value for name, value in facts.items() if value}


def images_of(found: Provenance) -> list[dict[str, Any]]:
    """Return the images that went into a build, at most twenty, each with its `uri` and `digest`.

    These are subjects of their own, which nothing has judged: the builder states that it used them.
    """
    images = [each for each in found.materials if each.uri.startswith(_IMAGES)]
    return [
        {"uri": each.uri, "digest": dict(each.digest)}
        for each in images[:_MOST_IMAGES]
        # in-toto, `DigestSet`: values are texts; anything else must not reach facts and policies.
        if all(isinstance(value, str) for value in each.digest.values())
    ]


def check_certificate(found: Provenance, certificate: Mapping[str, str]) -> None:
    """Refuse provenance that names another builder or source than its signer's certificate.

    A builder that is a workflow signs as this workflow; a trusted identity must not speak for another one (SLSA,
    "Verifying artifacts", step 1).

    Raises:
        VerificationError: `PROVENANCE_MISMATCH`.
    """
    signer = certificate.get("buildSignerURI", "")
    if signer and "/.github/workflows/" in found.builder and not _is_same_workflow(found.builder, signer):
        raise _of_another("builder", found.builder, signer)
    # Other build types may build any source: the workflow's own repository then says nothing of it.
    if not found.is_workflow:
        return
    for what, name, actual in (
        ("source", "sourceRepositoryURI", found.source.repository),
        ("source reference", "sourceRepositoryRef", found.source.reference),
    ):
        stated = certificate.get(name, "")
        # Keys, and certificates without Fulcio's extensions, state nothing: the options alone decide.
        if not stated or not actual:
            continue
        if name == "sourceRepositoryURI":
            stated = read_source_uri(stated).repository
        if stated != actual:
            raise _of_another(what, actual, stated)


def _is_same_workflow(builder: str, signer: str) -> bool:
    # Some builders leave their own version out.
    return builder in (signer, signer.partition("@")[0])


def _mismatch(what: str, actual: str, expected: str) -> VerificationError:
    # `!a`: control characters of a hostile document must not reach terminals and logs.
    said = f"the {what} is {actual[:300]!a}, not {expected[:300]}"
    remedy = f"Run what was built as the policy says; if this {what} is to be trusted, name it in the policy."
    if not actual:
        said = f"the provenance names no {what}, and it must be {expected[:300]}"
        remedy = f"Use a builder whose provenance names its {what}, or leave this rule out."
        if what.startswith("source"):
            remedy += " What a build depends on is not taken for its source."
    elif what == "builder" and actual.partition("@")[0] in expected.split(" or "):
        remedy = f"If every release of this builder is to be trusted, write {actual.partition('@')[0]}@refs/tags/* in the policy."
    elif actual.lower() in expected.lower().split(" or "):
        remedy = f"They differ in case alone, which counts: if this {what} is meant, name it in the policy as the provenance does."
    return VerificationError(Reason.PROVENANCE_MISMATCH, said, remedy=remedy)


def _of_another(what: str, actual: str, certified: str) -> VerificationError:
    return VerificationError(
        Reason.PROVENANCE_MISMATCH,
        f"the {what} is {actual[:300]!a}, not {certified[:300]}, as the signer's certificate says",
        remedy=f"Do not run it: its signer speaks for another {what}. Ask for provenance by the workflow that built it.",
    )


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(each.title() for each in rest)
