"""Letters that look like others."""

import pytest

from pyratify.evidence.lookalikes import plain
from pyratify.testing.sboms import component, cyclonedx, spdx, spdx_package
from support.sbom_judging import verdict

DISGUISED = ["left‑pad", "ｌeft-pad", "lеft-pad", "left-pad\u200b", "left\u00ad-pad", "left−pad", "left–pаd"]  # noqa: RUF001


@pytest.mark.parametrize("text", DISGUISED)
def test_a_disguised_name_has_one_plain_form(text: str) -> None:
    """Of full width, in another script, with another dash, or with what cannot be seen."""
    assert plain(text) == "left-pad"


@pytest.mark.parametrize("text", ["", "left-pad", "Café", "日本語"])
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
