"""Rules about licenses."""

from pathlib import Path

import pytest

from pyratify.core.errors import ConfigurationError, VerificationError
from pyratify.testing.sboms import component, cyclonedx, spdx, spdx_package
from support.sbom_judging import judge, verdict

LONG = "MIT AND " * 3000 + "MIT"


def licensed(expression: str) -> bytes:
    """Return an SBOM of one package."""
    return spdx([spdx_package("a", expression=expression)])


@pytest.mark.parametrize(
    ("expression", "by_expression", "by_mention"),
    [
        ("MIT", "pass", "pass"),
        ("GPL-3.0-only", "LICENSE", "LICENSE"),
        ("gpl-3.0-ONLY", "LICENSE", "LICENSE"),
        ("MIT OR GPL-3.0-only", "pass", "LICENSE"),
        ("MIT AND GPL-3.0-only", "LICENSE", "LICENSE"),
        ("(MIT OR GPL-3.0-only) AND GPL-3.0-only", "LICENSE", "LICENSE"),
        ("(MIT AND ISC) OR (GPL-3.0-only AND Zlib)", "pass", "LICENSE"),
        ("GPL-3.0-only WITH GCC-exception-3.1", "LICENSE", "LICENSE"),
        ("GPL-3.0-only OR GPL-3.0-only", "LICENSE", "LICENSE"),
        ("GPL-3.0", "LICENSE", "pass"),
        ("GPL-3.0-with-GCC-exception", "LICENSE", "pass"),
        ("GPL-3.0-only+", "LICENSE", "pass"),
        ("GPL-3.0-or-later", "pass", "pass"),
        ("GPLv3", "LICENSE", "pass"),
        ("GPL-3", "LICENSE", "pass"),
        ("gpl_3.0_only", "LICENSE", "pass"),
        ("MIT AND GPLv3.0", "LICENSE", "pass"),
        ("MIT OR GPLv3", "pass", "pass"),
        ("GPLv3+", "pass", "pass"),
        ("GPLv2", "pass", "pass"),
        ("LGPLv3", "pass", "pass"),
        ("public-domain", "pass", "pass"),
        ("LicenseRef-GPL-3.0-only", "pass", "pass"),
        ("GPL-3.0-only,MIT", "LICENSE", "pass"),
        ("MIT AND", "LICENSE", "pass"),
        ("MIT GPL-3.0-only", "LICENSE", "LICENSE"),
        ("Apache 2.0", "LICENSE", "pass"),
        ("(" * 9000, "LICENSE", "pass"),
        (LONG, "LICENSE", "pass"),
        ("NOASSERTION", "pass", "pass"),
        ("NONE", "pass", "pass"),
        ("", "pass", "pass"),
    ],
)
def test_a_denied_license(expression: str, by_expression: str, by_mention: str) -> None:
    """OR may choose and AND may not; the words of v1 know no grammar. What cannot be read is refused."""
    document = licensed(expression)
    assert verdict(document, deniedLicenses=["GPL-3.0-only"]) == by_expression
    assert verdict(document, deniedLicenses=["GPL-3.0-only"], licenseMatch="mention") == by_mention


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("GPL-3.0\u200b-only", "LICENSE"),
        ("MIT AND GPL\u20113.0\u2011only", "LICENSE"),
        ("\uff27\uff30\uff2c-3.0-only", "LICENSE"),
        ("G\u0420L-3.0-only", "LICENSE"),
        ("(GPL-3.0-only\u00ad)", "LICENSE"),
        ("MIT\u00a0GPL-3.0-only", "LICENSE"),
        ("GPL-3.0-only\u0301", "pass"),
        ("LicenseRef-GPL-3.0-only", "pass"),
        ("GPL-3.0-only,MIT", "pass"),
        ("GPL-3.0-only+", "pass"),
    ],
)
def test_a_denied_word_is_found_in_every_spelling_that_is_read_as_it(text: str, outcome: str) -> None:
    """Within the boundaries of Ratify v1, for texts that v1 compared letter by letter."""
    document = licensed(text)
    assert verdict(document, deniedLicenses=["gpl-3.0-only"], licenseMatch="mention") == outcome


def test_an_allowed_word_is_compared_as_it_is_written() -> None:
    """What only looks like it is another one."""
    for text, outcome in (("MIT", "pass"), ("M\u0406T", "LICENSE"), ("MIT\u200b", "LICENSE")):
        found = verdict(licensed(text), allowedLicenses=["MIT"], licenseMatch="mention")
        assert found == outcome


@pytest.mark.parametrize(
    ("expression", "outcome"),
    [
        ("MIT", "pass"),
        ("mit", "pass"),
        ("MIT OR GPL-3.0-only", "pass"),
        ("MIT AND GPL-3.0-only", "LICENSE"),
        ("MIT AND Apache-2.0", "pass"),
        ("Apache-2.0+", "pass"),
        ("BSD-2-Clause AND BSD-3-Clause", "pass"),
        ("BSD-2-Clause", "LICENSE"),
        ("BSD-2-Clause AND BSD-3-Clause AND MIT", "LICENSE"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "pass"),
        ("GPL-2.0-only", "LICENSE"),
        ("MIT WITH Classpath-exception-2.0", "LICENSE"),
        ("LicenseRef-x", "LICENSE"),
        ("LicenseRef-ours", "pass"),
        ("DocumentRef-x:LicenseRef-ours", "LICENSE"),
        ("NOASSERTION", "LICENSE"),
        ("NONE", "LICENSE"),
        ("", "LICENSE"),
        ("Unheard-of-1.0", "LICENSE"),
        ("MIT, Apache-2.0", "LICENSE"),
        ("MIT/X11", "LICENSE"),
    ],
)
def test_allowed_licenses_are_the_only_ones(expression: str, outcome: str) -> None:
    """What is unknown, absent or cannot be read is not allowed."""
    allowed = [
        "MIT",
        "Apache-2.0",
        "BSD-2-Clause AND BSD-3-Clause",
        "GPL-2.0-only WITH Classpath-exception-2.0",
        "LicenseRef-ours",
    ]
    assert verdict(licensed(expression), allowedLicenses=allowed) == outcome


@pytest.mark.parametrize(
    ("expression", "denied", "allowed"),
    [
        ("GPL-2.0-only", "LICENSE", "pass"),
        ("GPL-3.0+", "LICENSE", "pass"),
        ("LGPL-2.1-only", "pass", "LICENSE"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "LICENSE", "LICENSE"),
        ("MIT OR GPL-2.0-only", "pass", "pass"),
        ("MIT", "pass", "LICENSE"),
    ],
)
def test_a_star_stands_for_any_rest_of_an_identifier(expression: str, denied: str, allowed: str) -> None:
    """All versions of one license; an exception must be allowed by its whole name."""
    assert verdict(licensed(expression), deniedLicenses=["GPL-*"]) == denied
    assert verdict(licensed(expression), allowedLicenses=["gpl-*"]) == allowed


def test_no_assertion_can_be_allowed_and_denied() -> None:
    """By its own name; a license in the other field is a statement, whatever scanners write beside it."""
    assert verdict(licensed("NOASSERTION"), allowedLicenses=["MIT", "NOASSERTION"]) == "pass"
    assert verdict(licensed("NOASSERTION"), deniedLicenses=["NOASSERTION"]) == "LICENSE"
    assert verdict(licensed("MIT"), deniedLicenses=["NOASSERTION"]) == "pass"


@pytest.mark.parametrize(
    ("field", "outcome"), [("concluded", "pass"), ("declared", "LICENSE"), ("either", "LICENSE")]
)
def test_the_field_says_which_statements_count(field: str, outcome: str) -> None:
    """With either, one bad statement is enough."""
    package = spdx_package("a", expression="GPL-3.0-only", licenseConcluded="MIT")
    assert verdict(spdx([package]), deniedLicenses=["GPL-3.0-only"], licenseField=field) == outcome


@pytest.mark.parametrize(
    ("licenses", "outcome"),
    [
        ([{"license": {"id": "GPL-3.0-only"}}], "LICENSE"),
        ([{"license": {"name": "GPL-3.0-only"}}], "LICENSE"),
        ([{"license": {"name": "under GPL-3.0-only, they say"}}], "LICENSE"),
        ([{"license": {"name": "Some terms, with commas"}}], "pass"),
        ([{"license": {"id": "MIT"}}, {"license": {"id": "GPL-3.0-only"}}], "LICENSE"),
        ([{"expression": "MIT OR GPL-3.0-only"}], "pass"),
        ([], "pass"),
    ],
)
def test_licenses_of_cyclonedx_are_judged_in_all_their_forms(licenses: list[object], outcome: str) -> None:
    """Several of them hold at once; a free name need be no expression."""
    document = cyclonedx([component("a", licenses=licenses)])
    assert verdict(document, deniedLicenses=["GPL-3.0-only"]) == outcome


def test_files_and_images_need_no_license_of_their_own() -> None:
    """Syft lists files and the operating system among components; what they state is judged all the same."""
    digest = "sha256:" + "ab" * 32
    silent = [
        component("etc/passwd", "", "", type="file"),
        component("alpine", "3", "", type="operating-system"),
    ]
    assert verdict(cyclonedx([*silent, component("a")], digest=digest), allowedLicenses=["MIT"]) == "pass"
    stated = component("lib.so", "", "GPL-3.0-only", type="file")
    assert verdict(cyclonedx([component("a"), stated]), allowedLicenses=["MIT"]) == "LICENSE"
    assert verdict(cyclonedx([component("a", "1", "")]), allowedLicenses=["MIT"]) == "LICENSE"


@pytest.mark.parametrize(
    ("parameters", "path"),
    [
        ({"deniedLicenses": ["GPL3"]}, "deniedLicenses[0]"),
        ({"deniedLicenses": ["MIT", "MIT OR ISC"]}, "deniedLicenses[1]"),
        ({"deniedLicenses": [""]}, "deniedLicenses"),
        ({"deniedLicenses": ["*"]}, "deniedLicenses[0]"),
        ({"allowedLicenses": ["MIT", "*"]}, "allowedLicenses"),
        ({"allowedLicenses": ["ISC", "mit"], "deniedLicenses": ["MIT"]}, "allowedLicenses"),
        ({"deniedLicenses": ["GLP-*"]}, "deniedLicenses[0]"),
        ({"deniedLicenses": ["MIT"], "disallowedLicenses": ["ISC"]}, "disallowedLicenses"),
        ({"deniedLicenses": ["MIT"], "licenseMatch": "fuzzy"}, "licenseMatch"),
    ],
)
def test_a_license_that_could_deny_nothing_is_an_error_of_the_configuration(
    parameters: dict[str, object], path: str
) -> None:
    """A misspelt identifier would let every image pass."""
    with pytest.raises(ConfigurationError) as caught:
        judge(licensed("MIT"), **parameters)
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("GPL3", "GPL-3.0-only"),
        ("GPLv3", "GPL-3.0-only"),
        ("GPLv2+", "GPL-2.0-or-later"),
        ("Apache2", "Apache-2.0"),
        ("BDS-3-Clause", "BSD-3-Clause"),
        ("qqqqq", ""),
    ],
)
def test_a_misspelt_license_is_answered_with_the_nearest_one(text: str, near: str) -> None:
    """As people write them."""
    with pytest.raises(ConfigurationError) as caught:
        judge(licensed("MIT"), deniedLicenses=[text])
    assert caught.value.message.endswith(f"did you mean {near!r}?" if near else "of the SPDX list")


def test_findings_are_counted_and_the_first_are_shown() -> None:
    """A thousand packages make one sentence."""
    document = spdx(spdx_package(f"p{number}", expression="Zlib") for number in range(1000))
    with pytest.raises(VerificationError) as caught:
        judge(document, deniedLicenses=["Zlib"])
    message = caught.value.message
    assert message.startswith("1000 packages have refused licenses: p0 1.0 (packages[0]): Zlib")
    assert message.endswith("; and 995 more")
    assert len(message) < 1000


def test_licenses_of_ratify_v1_are_judged_as_it_judged_them(shared: Path) -> None:
    """The concluded field alone, and a license as a word of it."""
    document = (shared / "ratify/plugin-sbom-testdata/syftbom.spdx.json").read_bytes()
    assert verdict(document, disallowedLicenses=["Zlib"]) == "LICENSE"
    assert verdict(document, disallowedLicenses=["zlib"]) == "LICENSE"
    assert verdict(document, disallowedLicenses=["LicenseRef-AND"]) == "LICENSE"
    assert verdict(document, disallowedLicenses=["GPL-2.0"]) == "pass"
    assert verdict(document, deniedLicenses=["Zlib"]) == "LICENSE"
    # By expression the deprecated identifier is the one that the list has now.
    assert verdict(document, deniedLicenses=["GPL-2.0"]) == "LICENSE"
    assert verdict(document) == "pass"


@pytest.mark.parametrize("text", ["ＧＰＬ-3.0-only", "GРL-3.0-only", "MIT AND ＧＰＬ-3.0-only"])  # noqa: RUF001
def test_letters_that_look_like_others_hide_no_license(text: str) -> None:
    """Identifiers of SPDX are ASCII: another script makes a text no expression, and a name is read in its plain form."""
    assert verdict(licensed(text), deniedLicenses=["GPL-3.0-only"]) == "LICENSE"
    assert verdict(licensed(text), allowedLicenses=["MIT"]) == "LICENSE"
    named = cyclonedx([component("a", licenses=[{"license": {"name": "ＧＰＬ-3.0-only (text)"}}])])  # noqa: RUF001
    assert verdict(named, deniedLicenses=["GPL-3.0-only"]) == "LICENSE"


@pytest.mark.parametrize("names", [{"deniedLicenses": ["GPL-*"]}, {"disallowedLicenses": ["GPL*"]}])
def test_words_of_ratify_v1_have_no_wildcards(names: dict[str, list[str]]) -> None:
    """Taken for a letter it would deny nothing, and every image would pass."""
    with pytest.raises(ConfigurationError, match="wildcard"):
        judge(licensed("GPL-3.0-only"), **names, licenseMatch="mention")


@pytest.mark.parametrize(
    ("license_", "allowed", "denied"),
    [
        ("BSD-3-Clause", "pass", "LICENSE"),
        ("0BSD", "LICENSE", "pass"),
        ("BUSL-1.1", "LICENSE", "pass"),
        ("Beerware", "LICENSE", "pass"),
    ],
)
def test_a_star_stands_for_a_rest_and_not_for_a_beginning(license_: str, allowed: str, denied: str) -> None:
    """All that stands before the star counts."""
    assert verdict(licensed(license_), allowedLicenses=["BSD-*"]) == allowed
    assert verdict(licensed(license_), deniedLicenses=["BSD-*"]) == denied


@pytest.mark.parametrize(
    ("concluded", "outcome"),
    [("Acme License", "LICENSE"), ("(Acme)", "LICENSE"), ("Acmeware", "pass"), ("MIT", "pass")],
)
def test_words_of_ratify_v1_need_not_be_of_the_list(concluded: str, outcome: str) -> None:
    """Under its name they are words of the concluded license; the declared one does not count."""
    document = spdx([spdx_package("a", expression="Acme", licenseConcluded=concluded)])
    assert verdict(document, disallowedLicenses=["Acme"]) == outcome


def test_packages_of_ratify_v1_are_denied_by_name_and_version() -> None:
    """Under its name of the parameter."""
    document = spdx([spdx_package("a", "1.0")])
    for version, outcome in (("1.0", "PACKAGE_DENIED"), ("2.0", "pass")):
        assert verdict(document, disallowedPackages=[{"name": "a", "version": version}]) == outcome


@pytest.mark.parametrize(
    ("ours", "theirs", "value"),
    [
        ("deniedLicenses", "disallowedLicenses", ["MIT"]),
        ("deniedPackages", "disallowedPackages", [{"name": "a"}]),
    ],
)
def test_both_names_of_a_parameter_are_refused(ours: str, theirs: str, value: list[object]) -> None:
    """One of them would not count."""
    with pytest.raises(ConfigurationError) as caught:
        judge(licensed("MIT"), **{ours: value, theirs: value})
    assert caught.value.path == theirs
    assert caught.value.message == f"{theirs}: {ours} and {theirs} are one parameter"
    assert caught.value.remedy == f"Leave out {theirs}."


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("GNU General Public License v2 or later (GPLv2+)", "LICENSE"),
        ("GPL-2+ with a note", "LICENSE"),
        ("GNU Lesser General Public License (LGPLv2+)", "pass"),
        ("The Apache Software License, Version 2.0", "pass"),
    ],
)
def test_a_free_name_is_looked_through_for_what_stands_for_a_denied_license(name: str, outcome: str) -> None:
    """As Python packages call their licenses."""
    document = cyclonedx([component("a", licenses=[{"license": {"name": name}}])])
    assert verdict(document, deniedLicenses=["GPL-2.0-or-later"]) == outcome
