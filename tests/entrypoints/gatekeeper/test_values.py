"""What a verdict looks like to constraint templates."""

from datetime import UTC, datetime

from pyratify.core.platform_choice import PlatformChoice, PlatformMode
from pyratify.entrypoints.gatekeeper.values import v1_value
from pyratify.policies.threshold import Rule, ThresholdPolicy
from pyratify.testing.indexes import add_index, entry
from pyratify.testing.memory import MemoryStore
from support.scenes import image, validate

NOW = datetime(2026, 6, 1, tzinfo=UTC)
TYPES = {"fake": "cosign"}


async def test_the_evidence_of_every_platform_is_in_ratify_v1s_value() -> None:
    """Beside one another, as Ratify v1 has no level for the manifests of an index."""
    store = MemoryStore()
    manifests = [store.add_image(tag=f"t{number}", content=str(number).encode()) for number in range(2)]
    add_index(store, *(entry(each, f"linux/x{number}") for number, each in enumerate(manifests)))
    for each in manifests:
        store.attach(each, "application/test")
    result = await validate(store, platforms=PlatformChoice(PlatformMode.EACH))
    value = v1_value(result, TYPES, "trace", NOW)
    assert value["isSuccess"] is True
    subjects = [report["subject"].partition("@")[2] for report in value["verifierReports"]]
    assert subjects == [str(each.digest) for each in manifests]
    assert all(report["isSuccess"] for report in value["verifierReports"])


async def test_what_is_below_evidence_stays_there_in_ratify_v1s_value() -> None:
    """In the result of the artifact that it is attached to."""
    store, subject = image()
    store.attach(store.attach(subject, "application/test"), "application/other")
    below = ThresholdPolicy(Rule(None, (Rule("fake", (Rule("fake"),)),)))
    (report,) = v1_value(await validate(store, policy=below), TYPES, "trace", NOW)["verifierReports"]
    assert (report["type"], report["artifactType"]) == ("cosign", "application/test")
    assert [each["artifactType"] for each in report["nestedResults"]] == ["application/other"]
