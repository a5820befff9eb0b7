"""The source reference that a signer's certificate states, for tags."""

import re

import pytest

from pyratify.core.errors import ConfigurationError, VerificationError
from pyratify.core.reason import Reason
from pyratify.evidence.tag_rule import TagJudge, TagOptions, certified_reference, check_tag_options

TAG = "refs/tags/v1"


@pytest.mark.parametrize(
    ("certificate", "stated"),
    [
        ({"sourceRepositoryRef": TAG}, TAG),
        ({"githubWorkflowRef": TAG}, TAG),
        ({"sourceRepositoryRef": TAG, "githubWorkflowRef": "refs/heads/main"}, TAG),
        ({"buildSignerURI": "https://github.com/o/a/.github/workflows/w.yml@refs/tags/v1"}, ""),
        ({}, ""),
    ],
)
def test_a_certificate_names_the_reference_by_either_name(certificate: dict[str, str], stated: str) -> None:
    """Older ones have GitHub's name alone; the version of a workflow is no reference of the source."""
    assert certified_reference(certificate) == ("the signer's certificate", stated)


@pytest.mark.parametrize("tag", ["v1.*", "", "registry/app:latest", ".hidden", "a" * 129])
def test_a_floating_tag_is_a_tag(tag: str) -> None:
    """Anything else would match none."""
    options = TagOptions(tag="(?P<v>.*)", ref="refs/tags/{v}", floating=("latest", tag))
    with pytest.raises(ConfigurationError) as refused:
        check_tag_options(options, {"v": 1}, "tagMatchesRef")
    assert refused.value.path == "tagMatchesRef.floating[1]"
    check_tag_options(TagOptions(tag="x", ref="{v}", floating=("latest", "a" * 128)), {"v": 1}, "p")


def test_every_statement_of_a_reference_has_to_agree() -> None:
    """One that agrees does not outweigh one that differs; one that states nothing is no disagreement."""

    def captures(text: str) -> dict[str, str] | None:
        return {"v": text[1:]} if re.fullmatch(r"v\d", text) else None

    judge = TagJudge(TagOptions(tag="v(?P<v>.)", ref="refs/tags/v{v}"), captures)
    assert judge.check("v1", [("a", TAG), ("b", "")]) == TAG
    for references in ([("a", TAG), ("b", "refs/heads/v1")], [("a", ""), ("b", "")], []):
        with pytest.raises(VerificationError) as refused:
            judge.check("v1", references)
        assert refused.value.reason is Reason.TAG_REF_MISMATCH
