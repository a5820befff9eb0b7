"""SLSA provenance, versions 0.2 and 1, read into the same facts (slsa.dev, "Build: Provenance")."""

from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import datetime
from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.evidence.members import Members
from pyratify.evidence.source_uri import SourceUri, read_source_uri

V02 = "https://slsa.dev/provenance/v0.2"
V1 = "https://slsa.dev/provenance/v1"
PROVENANCE_TYPES = (V1, V02)
_WHAT = "provenance"
# Build types whose source is by definition the repository of the workflow that ran, whatever their parameters call it.
_WORKFLOW_TYPES = (
    "https://actions.github.io/buildtypes/workflow/",
    "https://slsa-framework.github.io/github-actions-buildtypes/workflow/",
)
# Of version 1 only where the parameters name a workflow: others of these builders take their source from elsewhere.
_GENERATOR_TYPES = ("https://github.com/slsa-framework/slsa-github-generator/",)


@dataclass(frozen=True, slots=True)
class Material:
    """Something that went into a build.

    Attributes:
        uri: What it is; empty where only digests are stated.
        digest: Its digests by algorithm.
    """

    uri: str
    digest: Mapping[str, Any] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Provenance:
    """What provenance says of a build.

    Attributes:
        builder: The identifier of the builder; empty where the builder states that it has none.
        build_type: How the parameters are to be understood.
        source: Where the build was started from; empty where the provenance names none.
        source_digest: The commit, as `sha1` or `gitCommit`; empty where none is stated.
        started: When the build began.
        finished: When it ended.
        parameters: What the build was given from outside (`externalParameters`, `invocation.parameters`).
        materials: What went into it.
        is_workflow: Whether the source is by the build type's definition the repository of the workflow that ran.
    """

    builder: str
    build_type: str
    source: SourceUri
    source_digest: str
    started: datetime | None
    finished: datetime | None
    parameters: Mapping[str, Any] = field(hash=False)
    materials: tuple[Material, ...] = field(hash=False)
    is_workflow: bool = False


def read_provenance(predicate: object, predicate_type: str) -> Provenance:
    """Read a provenance predicate.

    Args:
        predicate: The predicate, a JSON value.
        predicate_type: One of `PROVENANCE_TYPES`.

    Raises:
        VerificationError: `PREDICATE_TYPE`: it does not follow its format.
    """
    document = Members(predicate, _WHAT)
    # By the statement's `predicateType`, not by the shape of the predicate, which could fit both.
    return _version_02(document) if predicate_type == V02 else _version_1(document)


def _version_1(document: Members) -> Provenance:
    definition, run = (
        document.object("buildDefinition", required=True),
        document.object("runDetails", required=True),
    )
    metadata = run.object("metadata")
    parameters = definition.object("externalParameters")
    materials = _materials(definition, "resolvedDependencies")
    source = _source(parameters)
    build_type = definition.text("buildType", required=True)
    return Provenance(
        builder=_builder(run),
        build_type=build_type,
        source=source,
        source_digest=_commit(source, materials),
        started=metadata.time("startedOn"),
        finished=metadata.time("finishedOn"),
        parameters=parameters.value,
        materials=materials,
        is_workflow=build_type.startswith(_WORKFLOW_TYPES)
        or ("workflow" in parameters.value and build_type.startswith(_GENERATOR_TYPES)),
    )


def _version_02(document: Members) -> Provenance:
    invocation, metadata = document.object("invocation"), document.object("metadata")
    origin = invocation.object("configSource")
    materials = _materials(document, "materials")
    source = read_source_uri(origin.text("uri"))
    build_type = document.text("buildType", required=True)
    return Provenance(
        builder=_builder(document),
        build_type=build_type,
        source=source,
        # In 0.2 `configSource` has the digest itself; version 1 has it among the dependencies.
        source_digest=_digest(origin.object("digest").value) or _commit(source, materials),
        started=metadata.time("buildStartedOn"),
        finished=metadata.time("buildFinishedOn"),
        parameters=invocation.object("parameters").value,
        materials=materials,
        is_workflow=build_type.startswith((*_WORKFLOW_TYPES, *_GENERATOR_TYPES)),
    )


def _builder(document: Members) -> str:
    builder = document.object("builder", required=True)
    # BuildKit writes an empty identifier where it was given none; no rule about builders is satisfied by it.
    return builder.text("id", required=builder.value.get("id") != "")


def _source(parameters: Members) -> SourceUri:
    """Return the source that the parameters name, as the known build types of version 1 write it.

    Never one of `resolvedDependencies` alone: what a build fetches is not what it was started from.
    """
    # The name depends on the build type: GitHub's workflow type, Google's (what is built first, where it is not where the
    # configuration is from), BuildKit's, and others'.
    for name in ("workflow", "sourceToBuild", "buildConfigSource", "configSource", "source"):
        found = parameters.value.get(name)
        if isinstance(found, str):
            return read_source_uri(found)
        if isinstance(found, dict):
            return _named(parameters.object(name))
    return SourceUri("")


def _named(member: Members) -> SourceUri:
    """Return the source that an object names."""
    written = [read_source_uri(text) for text in (member.text("repository"), member.text("uri")) if text]
    # Two addresses or references: a reader that takes the other one would judge another source.
    address = _only(member, [each.repository for each in written])
    return SourceUri(address, _only(member, [*[each.reference for each in written], member.text("ref")]))


def _only(member: Members, named: Iterable[str]) -> str:
    distinct = list(dict.fromkeys(filter(None, named)))
    if len(distinct) > 1:
        member.malformed(f"{member.path} names {distinct[0][:120]!a} and {distinct[1][:120]!a}")
    return distinct[0] if distinct else ""


def _materials(document: Members, name: str) -> tuple[Material, ...]:
    return tuple(Material(each.text("uri"), each.object("digest").value) for each in document.objects(name))


def _commit(source: SourceUri, materials: tuple[Material, ...]) -> str:
    """Return the commit of the dependency that is the source."""
    for each in materials if source.repository else ():
        uri = read_source_uri(each.uri)
        is_source = uri.repository == source.repository and source.reference in ("", uri.reference)
        if is_source and (found := _digest(each.digest)):
            return found
    return ""


def _digest(digests: Mapping[str, Any]) -> str:
    # in-toto, `DigestSet`: commits are `gitCommit`; SLSA 0.2 builders write `sha1`.
    for name in ("gitCommit", "sha1", "sha256"):
        if isinstance(found := digests.get(name), str):
            return found
    return ""
