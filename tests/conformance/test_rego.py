"""The gate of the embedded engine of Rego: OPA's own compliance cases."""

from pathlib import Path

import pytest

pytest.importorskip("regorus", reason="the extra rego is not installed")

from conformance.rego_cases import Fate, read_folder, read_lines, run
from conformance.rego_table import PAGE, cases_folder, page


def test_no_case_of_opa_gives_another_result_silently(shared: Path) -> None:
    """Syntax v1, 2,067 cases: right, refused when built, or an error when evaluated."""
    outcomes = list(run(read_lines(shared / "opa-rego-v1" / "cases.jsonl"), v0=False))
    assert [each.note for each in outcomes if each.fate is Fate.WRONG] == []
    assert sum(each.fate is Fate.RIGHT for each in outcomes) > 1050


def test_no_case_in_either_syntax_differs_and_the_page_says_what_becomes_of_each() -> None:
    """From Go's module cache; the page is the one that is generated."""
    folders = {version: cases_folder(version) for version in ("v1", "v0")}
    if None in folders.values():
        pytest.skip("run `go mod download github.com/open-policy-agent/opa@v1.17.1` in a module first")
    outcomes = {
        version: list(run(read_folder(folder), v0=version == "v0"))
        for version, folder in folders.items()
        if folder is not None
    }
    for found in outcomes.values():
        assert [each.note for each in found if each.fate is Fate.WRONG] == []
    assert PAGE.read_text() == page(outcomes)
