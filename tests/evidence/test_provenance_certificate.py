"""Provenance and the certificate of its signer must not name different builders or sources."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.evidence.provenance import check_certificate, facts_of
from pyratify.evidence.provenance_document import V1, Provenance, read_provenance
from pyratify.evidence.source_uri import SourceUri, read_source_uri

WORKFLOW = "https://github.com/acme/app/.github/workflows/release.yml"
SIGNER = f"{WORKFLOW}@refs/tags/v1"
SOURCE, TAG = "https://github.com/acme/app", "refs/tags/v1"
CERTIFICATE = {"buildSignerURI": SIGNER, "sourceRepositoryURI": SOURCE, "sourceRepositoryRef": TAG}


def provenance(**terms: Any) -> Provenance:
    """Return provenance of a workflow, in which these terms differ."""
    given: dict[str, Any] = {
        "builder": SIGNER,
        "build_type": "https://actions.github.io/buildtypes/workflow/v1",
        "source": SourceUri(SOURCE, TAG),
        "source_digest": "",
        "started": None,
        "finished": None,
        "parameters": {},
        "materials": (),
        "is_workflow": True,
    }
    return Provenance(**{**given, **terms})


@pytest.mark.parametrize(
    ("terms", "certificate", "what"),
    [
        ({}, CERTIFICATE, ""),
        ({}, {}, ""),
        ({"builder": WORKFLOW}, CERTIFICATE, ""),
        (
            {"builder": "https://github.com/acme/app/.github/workflows/other.yml@refs/tags/v1"},
            CERTIFICATE,
            "builder",
        ),
        ({"builder": f"{WORKFLOW}@refs/tags/v2"}, CERTIFICATE, "builder"),
        ({"builder": WORKFLOW}, {"buildSignerURI": f"{WORKFLOW}@refs/heads/a@b"}, ""),
        (
            {"builder": f"{WORKFLOW}@refs/heads/a"},
            {"buildSignerURI": f"{WORKFLOW}@refs/heads/a@b"},
            "builder",
        ),
        ({"builder": SIGNER.replace("acme", "evil")}, CERTIFICATE, "builder"),
        ({"builder": "https://builder.example/1"}, CERTIFICATE, ""),
        ({"source": SourceUri("https://github.com/acme/other", TAG)}, CERTIFICATE, "source"),
        ({"source": SourceUri(SOURCE, "refs/heads/main")}, CERTIFICATE, "source reference"),
        ({"source": SourceUri(SOURCE)}, CERTIFICATE, ""),
        ({"source": SourceUri("", "")}, CERTIFICATE, ""),
        ({}, {**CERTIFICATE, "sourceRepositoryURI": f"{SOURCE}.git"}, ""),
        ({}, {"sourceRepositoryURI": "https://github.com/evil/app"}, "source"),
        ({}, {"sourceRepositoryRef": "refs/heads/main"}, "source reference"),
        ({"is_workflow": False, "source": SourceUri("https://github.com/acme/other")}, CERTIFICATE, ""),
        ({"is_workflow": False, "builder": SIGNER.replace("acme", "evil")}, CERTIFICATE, "builder"),
    ],
)
def test_the_certificate_and_the_provenance_name_the_same_workflow_and_source(
    terms: Mapping[str, Any], certificate: Mapping[str, str], what: str
) -> None:
    """What only one of them names is compared with nothing; builders that are no workflow have sources of their own."""
    found = provenance(**terms)
    if not what:
        check_certificate(found, certificate)
        return
    with pytest.raises(VerificationError) as caught:
        check_certificate(found, certificate)
    assert caught.value.reason is Reason.PROVENANCE_MISMATCH
    assert caught.value.message.startswith(f"the {what} is ")
    assert "as the signer's certificate says" in caught.value.message


@pytest.mark.parametrize(
    ("text", "repository", "reference"),
    [
        ("git+https://github.com/acme/app@refs/tags/v1", SOURCE, TAG),
        ("https://github.com/acme/app.git#refs/tags/v1:folder", SOURCE, TAG),
        ("https://github.com/acme/app#main", SOURCE, "main"),
        (f"https://github.com/acme/app@{'a' * 40}", SOURCE, "a" * 40),
        ("https://github.com/acme/app@evil", "https://github.com/acme/app@evil", ""),
        ("github.com/acme/app/", SOURCE, ""),
        ("https://GitHub.com/acme/App", "https://github.com/acme/App", ""),
        ("https://github.com/acme/APPX//", "https://github.com/acme/APPX", ""),
        ("https://GitHub.com/https://Evil.example/app", "https://github.com/https://Evil.example/app", ""),
        ("https://github.com/acme/app#refs/tags/v1@refs/heads/main", SOURCE, "refs/tags/v1@refs/heads/main"),
        ("", "", ""),
    ],
)
def test_a_source_is_read_without_what_git_adds(text: str, repository: str, reference: str) -> None:
    """The folder of a build is no part of the reference."""
    assert read_source_uri(text) == SourceUri(repository, reference)


@pytest.mark.parametrize(("started", "finished"), [(0, 1), (None, 1), (1, None)])
def test_facts_have_stable_names(started: int | None, finished: int | None) -> None:
    """Rules of policies compare them by name; the time is that of the end, or of the beginning."""
    begin = datetime(2026, 5, 1, tzinfo=UTC)
    times = [None if each is None else begin + timedelta(hours=each) for each in (started, finished)]
    found = provenance(started=times[0], finished=times[1], source_digest="c0ffee")
    assert facts_of(found) == {
        "builder": SIGNER,
        "buildType": "https://actions.github.io/buildtypes/workflow/v1",
        "source": SOURCE,
        "sourceRef": TAG,
        "sourceDigest": "c0ffee",
        "builtAt": "2026-05-01T01:00:00Z",
    }
    assert "builtAt" not in facts_of(provenance())


def test_a_workflow_is_recognised_by_its_build_type() -> None:
    """Only of such builds the certificate names the source by definition."""
    for build_type, is_workflow in (
        ("https://actions.github.io/buildtypes/workflow/v1", True),
        ("https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1", True),
        ("https://example.com/build/v1", False),
        ("https://example.com/https://actions.github.io/buildtypes/workflow/v1", False),
    ):
        predicate = {
            "buildDefinition": {
                "buildType": build_type,
                "externalParameters": {"workflow": {"repository": SOURCE}},
            },
            "runDetails": {"builder": {"id": SIGNER}},
        }
        assert read_provenance(predicate, V1).is_workflow is is_workflow
