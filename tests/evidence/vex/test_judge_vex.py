"""VEX documents as evidence themselves: what they must say, and what reports and policies get of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import ConfigurationError, VerificationError
from pyratify.core.reason import Reason
from pyratify.evidence.judgement import Circumstances, Judgement
from pyratify.evidence.vex.judge_vex import VexRuleOptions, load_vex_judge
from pyratify.testing.vulnerability import cyclonedx_vex, openvex

IMAGE = Descriptor("application/x", Digest.of(b"image"), 5)
SUBJECT = str(IMAGE.digest)
NOW = datetime(2026, 6, 2, tzinfo=UTC)
MADE = "2026-06-01T12:00:00Z"
SIGNED = NOW - timedelta(hours=24)


def judge(document: object, signed_at: datetime | None = None, **rules: Any) -> Judgement:
    """Judge a document under rules."""
    return load_vex_judge(VexRuleOptions(**rules), "vex").judge(
        document, Circumstances(IMAGE, NOW, signed_at)
    )


@pytest.mark.parametrize(
    ("document", "signed_at", "expected"),
    [
        (
            openvex(SUBJECT, time=MADE),
            None,
            {"vexFormat": "openvex", "author": "security@example.com", "createdAt": MADE},
        ),
        (
            openvex(SUBJECT, time=MADE) | {"author": "a" * 1000},
            SIGNED,
            {"vexFormat": "openvex", "author": "a" * 200, "createdAt": "2026-06-01T00:00:00Z"},
        ),
        (
            cyclonedx_vex(SUBJECT)
            | {"metadata": cyclonedx_vex(SUBJECT)["metadata"] | {"supplier": {"name": "Acme"}}},
            None,
            {"vexFormat": "cyclonedx", "author": "Acme"},
        ),
    ],
)
def test_the_facts_of_a_document_have_stable_names(
    document: Any, signed_at: datetime | None, expected: dict[str, object]
) -> None:
    """Its own time or its signature's, whichever is earlier; texts of a bounded length."""
    facts = judge(document, signed_at).facts
    assert {name: facts.get(name) for name in expected} == expected
    assert (facts["statements"], facts["notAffected"]) == (1, 1)


def test_every_statement_about_the_image_is_counted() -> None:
    """Those about other images are not."""
    document = openvex(SUBJECT)
    document["statements"] += [
        *openvex(SUBJECT, status="affected")["statements"],
        *openvex(SUBJECT, status="fixed")["statements"],
        *openvex(f"sha256:{'cd' * 32}")["statements"],
    ]
    facts = judge(document).facts
    assert [facts[name] for name in ("statements", "notAffected", "affected", "fixed")] == [3, 1, 1, 1]


def test_a_document_with_a_greatest_age_is_good_until_then() -> None:
    """A verdict is remembered no longer; without one for good."""
    assert judge(openvex(SUBJECT, time=MADE), maximum_age="24h").valid_until == NOW + timedelta(hours=12)
    assert judge(openvex(SUBJECT, time=MADE)).valid_until is None
    with pytest.raises(VerificationError) as caught:
        judge(openvex(SUBJECT, time=MADE), maximum_age="11h")
    assert caught.value.reason is Reason.EVIDENCE_STALE
    assert caught.value.message.startswith("the VEX document of 2026-06-01T12:00:00Z is 12 h old")


@pytest.mark.parametrize(
    ("rules", "path"),
    [
        ({"authors": ("",)}, "vex.authors"),
        ({"denied_statuses": ("affected", "odd")}, "vex.deniedStatuses[1]"),
        ({"maximum_age": "soon"}, "vex.maximumAge"),
    ],
)
def test_a_rule_that_cannot_hold_is_refused_with_its_path(rules: dict[str, Any], path: str) -> None:
    """When the configuration is read."""
    with pytest.raises(ConfigurationError) as caught:
        load_vex_judge(VexRuleOptions(**rules), "vex")
    assert caught.value.path == path


@pytest.mark.parametrize("name", ["timestamp", "last_updated"])
def test_a_time_that_is_none_is_named_by_its_place(name: str) -> None:
    """With the kind of the document."""
    document = openvex(SUBJECT)
    document["statements"][0][name] = "soon"
    with pytest.raises(VerificationError) as caught:
        judge(document)
    assert caught.value.message.startswith(f"statements[0].{name} of the VEX document is")
    with pytest.raises(VerificationError) as caught:
        judge(openvex(SUBJECT) | {"timestamp": "soon"})
    assert caught.value.message.startswith("timestamp of the VEX document is")
    document = cyclonedx_vex(SUBJECT)
    document["vulnerabilities"][0]["analysis"]["lastUpdated"] = "soon"
    with pytest.raises(VerificationError) as caught:
        judge(document)
    assert caught.value.message.startswith("vulnerabilities[0].analysis.lastUpdated of the VEX document is")
    document = cyclonedx_vex(SUBJECT)
    document["metadata"]["timestamp"] = "soon"
    with pytest.raises(VerificationError) as caught:
        judge(document)
    assert caught.value.message.startswith("metadata.timestamp of the VEX document is")
