"""SLSA levels are ordered within a track, and not between tracks."""

from collections.abc import Mapping

import pytest

from pyratify.evidence.levels import all_reach, is_known, reaches


@pytest.mark.parametrize(
    ("level", "known"),
    [
        ("SLSA_BUILD_LEVEL_3", True),
        ("SLSA_SOURCE_LEVEL_UNEVALUATED", True),
        ("ACME_LEVEL_OK", True),
        ("SLSA_SOURCE_TWO_PARTY_REVIEWED", True),
        ("SLSA_BUILD_REPRODUCED", True),
        ("SLSA_BUILD", False),
        ("SLSA_BUILD_REPRODUCED_", False),
        ("SLSA_Build_Reproduced", False),
        ("SLSA_BUILD_LEVEL_", False),
        ("SLSA_build_LEVEL_3", False),
        ("slsa_build_level_3", False),
        ("FAILED", False),
        ("SLSA_BUILD_LEVEL_333", False),
        ("SLSA_BUILD_LEVEL_03", False),
        ("", False),
    ],
)
def test_levels_are_written_as_slsa_writes_them(level: str, known: bool) -> None:
    """Custom ones have another beginning."""
    assert is_known(level) is known


@pytest.mark.parametrize(
    ("verified", "required", "reached"),
    [
        (("SLSA_BUILD_LEVEL_3",), "SLSA_BUILD_LEVEL_2", True),
        (("SLSA_BUILD_LEVEL_2",), "SLSA_BUILD_LEVEL_2", True),
        (("SLSA_BUILD_LEVEL_02",), "SLSA_BUILD_LEVEL_2", False),
        (("SLSA_BUILD_LEVEL_10",), "SLSA_BUILD_LEVEL_2", True),
        (("SLSA_BUILD_LEVEL_1",), "SLSA_BUILD_LEVEL_2", False),
        (("SLSA_SOURCE_LEVEL_3",), "SLSA_BUILD_LEVEL_2", False),
        (("SLSA_BUILD_LEVEL_UNEVALUATED",), "SLSA_BUILD_LEVEL_0", False),
        (("ACME_LEVEL_OK",), "ACME_LEVEL_OK", True),
        (("ACME_LEVEL_OK",), "ACME_LEVEL_BETTER", False),
        (("SLSA_SOURCE_LEVEL_4", "SLSA_SOURCE_TWO_PARTY_REVIEWED"), "SLSA_SOURCE_TWO_PARTY_REVIEWED", True),
        (("SLSA_SOURCE_LEVEL_4",), "SLSA_SOURCE_TWO_PARTY_REVIEWED", False),
        (("SLSA_SOURCE_TWO_PARTY_REVIEWED",), "SLSA_SOURCE_LEVEL_1", False),
        ((), "SLSA_BUILD_LEVEL_0", False),
    ],
)
def test_a_higher_level_of_the_same_track_is_enough(
    verified: tuple[str, ...], required: str, reached: bool
) -> None:
    """Custom levels have no order."""
    assert reaches(verified, required) is reached


@pytest.mark.parametrize(
    ("counts", "required", "reached"),
    [
        ({}, "SLSA_BUILD_LEVEL_2", True),
        ({"SLSA_BUILD_LEVEL_1": 0}, "SLSA_BUILD_LEVEL_2", True),
        ({"SLSA_BUILD_LEVEL_2": 1, "SLSA_BUILD_LEVEL_3": 4}, "SLSA_BUILD_LEVEL_2", True),
        ({"SLSA_BUILD_LEVEL_2": 4, "SLSA_BUILD_LEVEL_1": 1}, "SLSA_BUILD_LEVEL_2", False),
        ({"SLSA_BUILD_LEVEL_2": 4, "SLSA_BUILD_LEVEL_UNEVALUATED": 1}, "SLSA_BUILD_LEVEL_2", False),
        ({"SLSA_BUILD_LEVEL_3": 4, "FAILED": 1}, "SLSA_BUILD_LEVEL_2", False),
        ({"SLSA_BUILD_LEVEL_3": 4, "FAILED": 0}, "SLSA_BUILD_LEVEL_2", True),
        ({"SLSA_SOURCE_LEVEL_3": 4}, "SLSA_BUILD_LEVEL_2", False),
        ({"SLSA_SOURCE_LEVEL_0": 4, "SLSA_BUILD_LEVEL_2": 1}, "SLSA_BUILD_LEVEL_2", True),
        ({"ACME_LEVEL_OK": 1}, "ACME_LEVEL_OK", True),
        ({"ACME_LEVEL_OTHER": 1}, "ACME_LEVEL_OK", False),
        ({"ACME_LEVEL_OK": 1, "ACME_LEVEL_OTHER": 1}, "ACME_LEVEL_OK", True),
    ],
)
def test_all_dependencies_have_to_reach_a_level_of_the_track(
    counts: Mapping[str, int], required: str, reached: bool
) -> None:
    """Those of other tracks say nothing, alone neither that all do."""
    assert all_reach(counts, required) is reached
