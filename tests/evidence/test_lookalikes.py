"""Letters that look like others."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyratify.evidence.lookalikes import plain
from pyratify.testing.sboms import component, cyclonedx, spdx, spdx_package
from support.sbom_judging import verdict

DISGUISED = ["left‑pad", "ｌeft-pad", "lеft-pad", "left-pad\u200b", "left\u00ad-pad", "left−pad", "left–pаd"]  # noqa: RUF001


@pytest.mark.parametrize("text", DISGUISED)
def test_a_disguised_name_has_one_plain_form(text: str) -> None:
    """Of full width, in another script, with another dash, or with what cannot be seen."""
    assert plain(text) == "left-pad"


UNSEEN = [
    "\u034f",
    "\u115f",
    "\u17b4",
    "\u180b",
    "\u2065",
    "\u3164",
    "\ufe0f",
    "\uffa0",
    "\U000e0100",
    "\x7f",
    "\x00",
    "\x9b",
]


@pytest.mark.parametrize("letter", UNSEEN, ids=ascii)
def test_a_letter_that_cannot_be_seen_hides_no_package(letter: str) -> None:
    """Whatever its category: joiners, fillers, variation selectors and controls are read as nothing."""
    disguised = spdx([spdx_package(f"left{letter}-pad", "1.0")])
    assert verdict(disguised, deniedPackages=[{"name": "left-pad"}]) == "PACKAGE_DENIED"
    assert plain(f"cafe{letter}\u0301") == "café"


@pytest.mark.parametrize("text", ["", "left-pad", "a\tb\nc", "Café", "日本語"])
def test_other_letters_stay(text: str) -> None:
    """A name in another language is none in disguise."""
    assert plain(text) == text


@pytest.mark.parametrize("name", DISGUISED)
def test_a_disguised_package_is_denied(name: str) -> None:
    """By its name, by its package URL, and where only its name could tell."""
    by_name, by_purl = {"name": "left-pad"}, {"purl": "pkg:npm/left-pad@1.0"}
    disguised = spdx([spdx_package(name, "1.0\u200b")])
    assert verdict(disguised, deniedPackages=[by_name]) == "PACKAGE_DENIED"
    assert verdict(disguised, deniedPackages=[by_purl]) == "PACKAGE_DENIED"
    with_purl = cyclonedx([component("other", purl=f"pkg:npm/{name}@1.0")])
    assert verdict(with_purl, deniedPackages=[by_purl]) == "PACKAGE_DENIED"


def test_a_disguised_version_of_a_rule_is_found() -> None:
    """As it is copied from a page that has another hyphen; documents are written with either."""
    rule = {"name": "left-pad", "version": "1.0‑1"}  # noqa: RUF001
    for version in ("1.0-1", "1.0‑1"):  # noqa: RUF001
        document = spdx([spdx_package("left-pad", version)])
        assert verdict(document, deniedPackages=[rule]) == "PACKAGE_DENIED"


LETTERS = [*"aé\u0301\u0327\uac00\u1100\u1161", *"".join(DISGUISED)]


@given(st.text(st.sampled_from(LETTERS) | st.characters(exclude_categories=["Cs"]), max_size=12))
def test_spellings_of_one_text_have_one_plain_form(text: str) -> None:
    """Composed or not (UAX 15)."""
    assert plain(unicodedata.normalize("NFD", text)) == plain(unicodedata.normalize("NFC", text))


def test_a_text_grows_to_a_few_times_its_length_at_most() -> None:
    """One letter may stand for a phrase of eighteen: a document of a few megabytes must not fill the memory."""
    assert len(plain("\ufdfa" * 100)) == 100
    assert max(len(plain(chr(code))) for code in range(0xD800)) == 4


def test_a_long_run_of_marks_is_sorted_in_parts() -> None:
    """The time for that grows with its square, and nothing else of the process runs meanwhile."""
    marks = "\u0301\u0327" * 15
    part = unicodedata.normalize("NFC", "a" + marks)
    assert plain("a" + marks[1:]) == unicodedata.normalize("NFC", "a" + marks[1:])
    assert plain("a" + marks + marks) == part + "\u034f" + unicodedata.normalize("NFC", marks) + "\u034f"


def test_a_long_run_of_marks_leaves_the_rest_what_it_is() -> None:
    """A package with a name of marks must not hide another one, whose name is written in parts."""
    noise = spdx_package("a" + "\u0301" * 100, "1.0")
    composed, apart = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    document = spdx([noise, spdx_package(apart, "1.0")])
    assert verdict(document, deniedPackages=[{"purl": f"pkg:generic/{composed}"}]) == "PACKAGE_DENIED"
    assert verdict(document, deniedPackages=[{"name": composed}]) == "PACKAGE_DENIED"
