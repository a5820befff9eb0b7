"""How old evidence may be, to the second."""

from datetime import UTC, datetime, timedelta

import pytest

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.evidence.age import check_age

NOW = datetime(2026, 6, 2, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


def test_it_is_good_for_as_long_as_it_is_not_too_old() -> None:
    """A verdict is cached until then and no longer; of several times the earliest counts."""
    assert check_age("report", (NOW - HOUR,), 2 * HOUR, NOW) == NOW + HOUR
    assert check_age("report", (NOW, NOW - HOUR, None), 2 * HOUR, NOW) == NOW + HOUR
    assert check_age("report", (NOW - 2 * HOUR,), 2 * HOUR, NOW) == NOW
    assert check_age("report", (NOW - 9999 * HOUR,), None, NOW) is None
    assert check_age("report", (), None, NOW) is None


@pytest.mark.parametrize(
    ("times", "maximum", "reason", "said"),
    [
        (
            (NOW - 2 * HOUR - SECOND,),
            2 * HOUR,
            Reason.EVIDENCE_STALE,
            "is 2 h old, more than the 2 h allowed",
        ),
        ((NOW - 48 * HOUR,), 24 * HOUR, Reason.EVIDENCE_STALE, "is 48 h old, more than the 24 h allowed"),
        ((NOW - 59 * SECOND,), 30 * SECOND, Reason.EVIDENCE_STALE, "is 59 s old, more than the 30 s allowed"),
        ((NOW - 3600 * HOUR,), 24 * HOUR, Reason.EVIDENCE_STALE, "is 3600 h old"),
        ((NOW, NOW - 3 * HOUR), 2 * HOUR, Reason.EVIDENCE_STALE, "is 3 h old"),
        ((), 2 * HOUR, Reason.EVIDENCE_STALE, "nothing says when the report was made"),
        ((None, None), 2 * HOUR, Reason.EVIDENCE_STALE, "at most 2 h old"),
        ((NOW + timedelta(minutes=5) + SECOND,), 2 * HOUR, Reason.TIME_INVALID, "2026-06-02T00:05:01Z"),
        ((NOW + HOUR, NOW), None, Reason.TIME_INVALID, "after the present 2026-06-02T00:00:00Z"),
    ],
)
def test_what_is_too_old_undated_or_of_the_future_is_refused(
    times: tuple[datetime | None, ...], maximum: timedelta | None, reason: Reason, said: str
) -> None:
    """Also of the future without a greatest age: such a document is not what it says."""
    with pytest.raises(VerificationError) as caught:
        check_age("report", times, maximum, NOW)
    assert caught.value.reason is reason
    assert said in caught.value.message


def test_the_remedy_is_that_of_the_document() -> None:
    """A report is scanned again, an image built again."""
    for times, remedy in (((), "Date it."), ((NOW - 3 * HOUR,), "Make it anew.")):
        with pytest.raises(VerificationError) as caught:
            check_age("report", times, HOUR, NOW, undated="Date it.", stale="Make it anew.")
        assert caught.value.remedy == remedy


def test_clocks_may_differ_by_five_minutes() -> None:
    """Signers' clocks are not ours."""
    made = NOW + timedelta(minutes=5)
    assert check_age("report", (made,), HOUR, NOW) == made + HOUR
