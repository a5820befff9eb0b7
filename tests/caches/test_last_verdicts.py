"""The last verdict on a digest, for the time in which its registry cannot be asked."""

from dataclasses import replace
from datetime import timedelta

import pytest

from pyratify.caches.last_verdicts import LastVerdicts
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import Failure
from pyratify.core.manifest import OCI_MANIFEST
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision, ValidationResult
from pyratify.core.shared_verdicts import SharedVerdict, VerdictKey
from pyratify.testing.fakes import FakeClock
from support.policy_reports import inconclusive, report

DIGEST = Digest.of(b"image")
REFERENCE = Reference.parse(f"registry.example.com/app@{DIGEST}")
KEY = VerdictKey("generation", "team", REFERENCE)
ALLOW = ValidationResult(REFERENCE, Descriptor(OCI_MANIFEST, DIGEST, 5), Decision.ALLOW)
DENY = replace(ALLOW, decision=Decision.DENY, failure=Failure(Reason.POLICY_UNSATISFIED, "no", "sign it"))
UNDECIDED = replace(DENY, failure=None, error=Failure(Reason.REGISTRY_UNREACHABLE, "no answer", "wait"))


class Entries:
    """Entries in memory, which can skip what is put in."""

    def __init__(self) -> None:
        self.kept: dict[VerdictKey, SharedVerdict] = {}
        self.skips = False

    async def put(self, key: VerdictKey, result: ValidationResult, seconds: float) -> None:
        """Keep it."""
        if not self.skips:
            self.kept[key] = SharedVerdict(result, seconds)

    async def get(self, key: VerdictKey) -> SharedVerdict | None:
        """Return it."""
        return self.kept.get(key)

    async def aclose(self) -> None:
        """Do nothing."""


async def decision(last: LastVerdicts) -> Decision | None:
    """Return the last decision."""
    found = await last.find(KEY, 60)
    return None if found is None else found.decision


@pytest.mark.parametrize(
    "denial",
    [
        DENY,
        replace(DENY, artifacts=(report(1, inconclusive("cosign")),)),
        replace(DENY, valid_until=FakeClock().now() - timedelta(seconds=1)),
        replace(DENY, subject=None),
    ],
    ids=["plain", "not final", "run out", "without a subject"],
)
@pytest.mark.parametrize("skips", [False, True])
async def test_what_denies_takes_the_place_of_what_allowed(denial: ValidationResult, skips: bool) -> None:
    """Whatever the denial rests on, and also where it could not be written."""
    entries = Entries()
    last = LastVerdicts(entries, FakeClock())
    await last.note(KEY, ALLOW, 60, 0)
    assert await decision(last) is Decision.ALLOW
    entries.skips = skips
    await last.note(KEY, denial, 60, 0)
    assert await decision(last) is not Decision.ALLOW
    entries.skips = False
    await last.note(KEY, ALLOW, 60, 0)
    assert await decision(last) is Decision.ALLOW


async def test_what_is_undecided_changes_nothing() -> None:
    """It is the outage itself."""
    last = LastVerdicts(Entries(), FakeClock())
    await last.note(KEY, ALLOW, 60, 0)
    await last.note(KEY, UNDECIDED, 60, 0)
    assert await decision(last) is Decision.ALLOW


async def test_what_allows_is_kept_no_longer_than_its_evidence() -> None:
    """Nor where it has run out."""
    entries = Entries()
    last = LastVerdicts(entries, FakeClock())
    await last.note(KEY, replace(ALLOW, valid_until=FakeClock().now()), 60, 0)
    assert entries.kept == {}
