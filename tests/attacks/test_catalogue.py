"""Every attack of the catalogue has its test, or says what it waits for."""

import json
from pathlib import Path

import pytest

from attacks import catalogue

ENTRIES = catalogue.entries()
TESTS = catalogue.tests()


@pytest.mark.parametrize("name", ENTRIES)
def test_every_attack_has_its_test_or_waits_for_a_feature(name: str) -> None:
    """One of both; a reason to wait is a sentence."""
    entry = ENTRIES[name]
    assert name in TESTS or entry["why"].endswith(".")


@pytest.mark.parametrize("name", ENTRIES)
def test_the_page_names_every_attack_and_a_test_that_exists(name: str) -> None:
    """The row of an attack names at least one of its tests, or what it waits for."""
    (row,) = [line for line in catalogue.PAGE.read_text().splitlines() if line.startswith(f"| {name} ")]
    known = [test for _, test in TESTS.get(name, ())]
    assert any(f"`{test}`" in row for test in known) or (not known and "waits for" in row)


def test_identifiers_run_from_001_without_a_gap_and_no_test_has_one_of_its_own() -> None:
    """A gap would be an attack that was dropped without a word."""
    assert list(ENTRIES) == [f"ATK-{number:03}" for number in range(1, len(ENTRIES) + 1)]
    assert TESTS.keys() <= ENTRIES.keys()


def test_no_attack_of_the_catalogue_is_missing(shared: Path) -> None:
    """The list in this folder is the whole catalogue, with its titles and verdicts; what was found since follows it."""
    reference = shared.parent / "reference" / "attacks.json"
    if not reference.is_file():
        pytest.skip("the catalogue is not here")
    wanted = {
        entry["id"]: (entry["component"], entry["title"], entry["verdict"].strip())
        for entry in json.loads(reference.read_text())
    }
    known = {name: (entry["component"], entry["title"], entry["verdict"]) for name, entry in ENTRIES.items()}
    assert {name: known.get(name) for name in wanted} == wanted
