"""SLSA provenance of both versions, read into the same facts."""

from datetime import UTC, datetime
from typing import Any

import pytest

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.evidence.provenance_document import V02, V1, Provenance, read_provenance
from pyratify.evidence.source_uri import SourceUri
from pyratify.testing.attestations import COMMIT, REF, REPOSITORY, provenance_v02, provenance_v1

WORKFLOW_TYPES = (
    "https://actions.github.io/buildtypes/workflow/v1",
    "https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1",
    "https://github.com/slsa-framework/slsa-github-generator/generic@v1",
)
BEGIN, END = "2026-05-31T11:00:00Z", "2026-05-31T12:00:00Z"
OTHER = "https://github.com/org/library"


def version_1(parameters: Any = None, dependencies: Any = (), **definition: Any) -> dict[str, Any]:
    """Return a predicate of version 1 with these parameters and dependencies."""
    return {
        "buildDefinition": {
            "buildType": "https://example.com/build/v1",
            "externalParameters": parameters or {},
            "resolvedDependencies": list(dependencies),
            **definition,
        },
        "runDetails": {
            "builder": {"id": "https://example.com/builder"},
            "metadata": {"startedOn": BEGIN, "finishedOn": END},
        },
    }


def version_02(source: Any = None, materials: Any = (), **extra: Any) -> dict[str, Any]:
    """Return a predicate of version 0.2 with this `configSource` and these materials."""
    return {
        "builder": {"id": "https://example.com/builder"},
        "buildType": "https://example.com/build/v1",
        "invocation": {"configSource": source or {}, "parameters": {"debug": False}},
        "metadata": {"buildStartedOn": BEGIN, "buildFinishedOn": END},
        "materials": list(materials),
        **extra,
    }


def read(predicate: dict[str, Any]) -> Provenance:
    """Read a predicate of either version."""
    return read_provenance(predicate, V1 if "runDetails" in predicate else V02)


@pytest.mark.parametrize("predicate", [version_1(), version_02()], ids=["1", "0.2"])
def test_a_build_has_a_builder_a_type_and_two_times(predicate: dict[str, Any]) -> None:
    """In both versions."""
    found = read(predicate)
    assert (found.builder, found.build_type) == (
        "https://example.com/builder",
        "https://example.com/build/v1",
    )
    assert (found.started, found.finished) == (
        datetime(2026, 5, 31, 11, tzinfo=UTC),
        datetime(2026, 5, 31, 12, tzinfo=UTC),
    )
    assert (found.source, found.source_digest, found.materials, found.is_workflow) == (
        SourceUri(""),
        "",
        (),
        False,
    )


def test_what_a_build_was_given_are_its_parameters() -> None:
    """`externalParameters`, and `invocation.parameters`."""
    assert dict(read(version_1({"debug": True})).parameters) == {"debug": True}
    assert dict(read(version_02()).parameters) == {"debug": False}


@pytest.mark.parametrize(
    ("parameters", "source"),
    [
        ({"workflow": {"repository": REPOSITORY, "ref": REF}}, SourceUri(REPOSITORY, REF)),
        ({"configSource": {"uri": f"{REPOSITORY}.git#{REF}:folder"}}, SourceUri(REPOSITORY, REF)),
        ({"configSource": f"git+{REPOSITORY}@{REF}"}, SourceUri(REPOSITORY, REF)),
        ({"source": f"git+{REPOSITORY}@{REF}"}, SourceUri(REPOSITORY, REF)),
        ({"source": {"uri": REPOSITORY, "ref": REF}}, SourceUri(REPOSITORY, REF)),
        (
            {"workflow": {"repository": REPOSITORY}, "source": {"repository": OTHER}},
            SourceUri(REPOSITORY),
        ),
        ({"repository": REPOSITORY}, SourceUri("")),
        ({"source": 1}, SourceUri("")),
    ],
)
def test_the_parameters_of_version_1_name_the_source_as_known_builders_do(
    parameters: dict[str, Any], source: SourceUri
) -> None:
    """GitHub's workflows, BuildKit and others; a dependency alone is no source."""
    dependency = {"uri": f"git+{OTHER}@{REF}", "digest": {"gitCommit": COMMIT}}
    assert read(version_1(parameters, [dependency])).source == source


@pytest.mark.parametrize("digest", [{"gitCommit": COMMIT}, {"sha1": COMMIT}, {"sha256": COMMIT}])
@pytest.mark.parametrize(
    ("uri", "same"),
    [
        (f"git+{REPOSITORY}@{REF}", True),
        (f"git+{REPOSITORY}@refs/heads/main", False),
        (REPOSITORY, False),
        (f"git+{OTHER}@{REF}", False),
        ("", False),
    ],
)
def test_the_commit_is_that_of_the_dependency_that_is_the_source(
    digest: dict[str, str], uri: str, *, same: bool
) -> None:
    """By its address and its reference; in-toto's and SLSA 0.2's names of the digest."""
    dependencies = [{"uri": f"pkg:x/{uri}", "digest": {"sha1": "0" * 40}}, {"uri": uri, "digest": digest}]
    parameters = {"workflow": {"repository": REPOSITORY, "ref": REF}}
    assert read(version_1(parameters, dependencies)).source_digest == (COMMIT if same else "")
    source = {"uri": f"git+{REPOSITORY}@{REF}"}
    assert read(version_02(source, dependencies)).source_digest == (COMMIT if same else "")


def test_without_a_reference_any_of_the_source_gives_the_commit() -> None:
    """And without a source none does, though a dependency has no address either."""
    dependency = {"uri": f"git+{REPOSITORY}@{REF}", "digest": {"gitCommit": COMMIT}}
    assert read(version_1({"source": REPOSITORY}, [dependency])).source_digest == COMMIT
    assert read(version_1({}, [{"uri": "", "digest": {"gitCommit": COMMIT}}])).source_digest == ""
    assert read(version_1({"source": REPOSITORY}, [{"uri": REPOSITORY}])).source_digest == ""
    wrong = {"uri": REPOSITORY, "digest": {"gitCommit": 7}}
    assert read(version_1({"source": REPOSITORY}, [wrong])).source_digest == ""


def test_in_version_0_2_the_source_states_its_digest_itself() -> None:
    """Before any material."""
    source = {"uri": f"git+{REPOSITORY}@{REF}", "digest": {"sha1": COMMIT}}
    other = {"uri": f"git+{REPOSITORY}@{REF}", "digest": {"sha1": "0" * 40}}
    assert read(version_02(source, [other])).source_digest == COMMIT


@pytest.mark.parametrize("build_type", WORKFLOW_TYPES)
def test_of_a_workflow_the_source_is_its_repository(build_type: str) -> None:
    """By the build type, whatever the parameters call it; other builds by generators name theirs themselves."""
    assert read(version_02(buildType=build_type)).is_workflow
    assert read(version_1({"workflow": {"ref": REF}}, buildType=build_type)).is_workflow
    by_generator = "slsa-github-generator" in build_type
    assert read(version_1({"source": REPOSITORY}, buildType=build_type)).is_workflow is not by_generator


@pytest.mark.parametrize(
    "missing",
    [
        "buildDefinition",
        "buildDefinition.buildType",
        "runDetails",
        "runDetails.builder",
        "runDetails.builder.id",
    ],
)
def test_what_version_1_requires_must_be_there(missing: str) -> None:
    """Its absence is said by its path (slsa.dev, "Provenance", `Model`)."""
    predicate = provenance_v1()
    *above, name = missing.split(".")
    place: Any = predicate
    for each in above:
        place = place[each]
    del place[name]
    with pytest.raises(VerificationError) as caught:
        read_provenance(predicate, V1)
    assert caught.value.reason is Reason.PREDICATE_TYPE
    assert caught.value.message == f"malformed provenance: {missing} is missing"


@pytest.mark.parametrize("missing", ["builder", "buildType"])
def test_what_version_0_2_requires_must_be_there(missing: str) -> None:
    """Its absence is said by its path."""
    predicate = provenance_v02()
    del predicate[missing]
    with pytest.raises(VerificationError) as caught:
        read_provenance(predicate, V02)
    assert caught.value.message == f"malformed provenance: {missing} is missing"


def test_the_version_is_that_of_the_statement() -> None:
    """A predicate of one version is none of the other."""
    for predicate, version in ((provenance_v1(), V02), (provenance_v02(), V1)):
        with pytest.raises(VerificationError):
            read_provenance(predicate, version)


APP, CONFIGURATION = "https://github.com/org/app", "https://github.com/org/config"


def source(**parameters: Any) -> SourceUri:
    """Return the source of a build that was given these parameters."""
    definition = {"buildType": "https://example.com/build", "externalParameters": parameters}
    predicate = {"buildDefinition": definition, "runDetails": {"builder": {"id": "https://example.com"}}}
    return read_provenance(predicate, V1).source


@pytest.mark.parametrize(
    ("parameters", "reference"),
    [
        ({"workflow": {"repository": APP, "ref": "refs/tags/v1", "path": "x"}}, "refs/tags/v1"),
        # Google Cloud Build, build type google-worker/v1.
        ({"buildConfigSource": {"repository": f"git+{APP}", "ref": "refs/tags/v1"}}, "refs/tags/v1"),
        ({"buildConfigSource": {"repository": CONFIGURATION}, "sourceToBuild": {"repository": APP}}, ""),
        ({"configSource": {"uri": f"{APP}.git#refs/tags/v1", "path": "Dockerfile"}}, "refs/tags/v1"),
        ({"source": f"git+{APP}@refs/tags/v1"}, "refs/tags/v1"),
        ({"source": {"uri": APP, "digest": {}}}, ""),
        ({"source": {"uri": f"{APP}@refs/tags/v1", "ref": "refs/tags/v1"}}, "refs/tags/v1"),
    ],
)
def test_the_source_is_what_the_build_type_calls_so(parameters: dict[str, Any], reference: str) -> None:
    """Each builder has a name of its own for it."""
    assert source(**parameters) == SourceUri(APP, reference)


@pytest.mark.parametrize(
    "member",
    [
        {"repository": APP, "uri": "https://github.com/evil/app"},
        {"repository": APP, "uri": f"{APP}@refs/tags/v2", "ref": "refs/tags/v1"},
    ],
)
def test_a_source_with_two_addresses_names_none(member: dict[str, str]) -> None:
    """One of them would be taken by another reader."""
    with pytest.raises(VerificationError, match=r"workflow names '.*' and '.*'") as refused:
        source(workflow=member)
    assert refused.value.reason is Reason.PREDICATE_TYPE
    assert source(workflow={"repository": APP, "uri": f"git+{APP}.git"}) == source(workflow=APP)


def test_a_source_with_two_references_names_none() -> None:
    """The one in the address and the one beside it would be two releases."""
    with pytest.raises(VerificationError) as refused:
        source(workflow={"repository": f"{APP}@refs/heads/main", "ref": "refs/tags/v1"})
    assert refused.value.reason is Reason.PREDICATE_TYPE
    assert "'refs/heads/main' and 'refs/tags/v1'" in refused.value.message
