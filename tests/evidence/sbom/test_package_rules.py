"""Rules about packages."""

from pathlib import Path

import pytest

from pyratify.core.errors import ConfigurationError, VerificationError
from pyratify.testing.sboms import component, cyclonedx, spdx, spdx_package
from support.sbom_judging import judge, verdict

MUSL = spdx_package("musl-utils", "1.2.3-r4", purl="pkg:apk/alpine/musl-utils@1.2.3-r4?arch=x86_64")


@pytest.mark.parametrize(
    ("rule", "outcome"),
    [
        ({"name": "musl-utils"}, "PACKAGE_DENIED"),
        ({"name": "musl"}, "pass"),
        ({"name": "MUSL-utils"}, "pass"),
        ({"name": "musl-utils", "version": "1.2.3-r4"}, "PACKAGE_DENIED"),
        ({"name": "musl-utils", "version": "1.0"}, "pass"),
        ({"name": "musl-utils", "versions": "vers:apk/<1.2.4-r1"}, "PACKAGE_DENIED"),
        ({"name": "musl-utils", "versions": "vers:apk/>=1.2.4"}, "pass"),
        ({"purl": "pkg:apk/alpine/musl-utils"}, "PACKAGE_DENIED"),
        ({"purl": "pkg:apk/alpine/musl-utils@1.2.3-r4"}, "PACKAGE_DENIED"),
        ({"purl": "pkg:apk/alpine/musl-utils@1.2.3-r5"}, "pass"),
        ({"purl": "pkg:apk/alpine/musl-utils?arch=x86_64"}, "PACKAGE_DENIED"),
        ({"purl": "pkg:apk/alpine/musl-utils?arch=arm64"}, "pass"),
        ({"purl": "pkg:apk/wolfi/musl-utils"}, "pass"),
        ({"purl": "pkg:deb/alpine/musl-utils"}, "pass"),
        ({"purl": "pkg:apk/alpine/musl"}, "pass"),
        ({"purl": "pkg:apk/alpine/musl-utils", "versions": "vers:apk/<1.2.4-r1"}, "PACKAGE_DENIED"),
        ({"purl": "pkg:apk/alpine/musl-utils", "versions": "vers:apk/<1.2.3-r4"}, "pass"),
    ],
)
def test_a_denied_package(rule: dict[str, str], outcome: str) -> None:
    """By exact name, by package URL as it is meant, by version or by range."""
    assert verdict(spdx([spdx_package("other"), MUSL]), deniedPackages=[rule]) == outcome


@pytest.mark.parametrize(
    ("rule", "purl"),
    [
        ("pkg:pypi/django-foo", "pkg:PYPI/Django_Foo@1.11"),
        ("pkg:npm/%40angular/core", "pkg:npm/@angular/core@1"),
        ("pkg:npm/@angular/core", "pkg:npm/%40angular/core@1"),
        ("pkg:npm/core", "pkg:npm/%63ore@1"),
        ("pkg:golang/github.com/foo/bar", "pkg:golang/github.com/foo/bar@v1.2.3#sub"),
        ("pkg:maven/a/b", "pkg:maven/a/b@1?classifier=x"),
    ],
)
def test_package_urls_are_compared_as_they_are_meant(rule: str, purl: str) -> None:
    """Another spelling is no other package, whatever name stands beside it."""
    document = cyclonedx([component("another-name", purl=purl)])
    assert verdict(document, deniedPackages=[{"purl": rule}]) == "PACKAGE_DENIED"


@pytest.mark.parametrize(
    ("rule", "outcome"),
    [
        ("pkg:rpm/fedora/curl@7.50.3-1.fc25", "PACKAGE_DENIED"),
        ("pkg:rpm/fedora/curl@7.50.3-1.fc25?epoch=1", "PACKAGE_DENIED"),
        ("pkg:rpm/fedora/curl@7.50.3-1.fc25?epoch=2", "pass"),
        ("pkg:rpm/fedora/curl@7.50.3-2.fc25", "pass"),
    ],
)
def test_an_epoch_beside_the_version_hides_no_version(rule: str, outcome: str) -> None:
    """Package URLs of rpm have it as a qualifier; a rule without one is for every epoch."""
    document = spdx(
        [spdx_package("curl", "1:7.50.3-1.fc25", purl="pkg:rpm/fedora/curl@7.50.3-1.fc25?epoch=1")]
    )
    assert verdict(document, deniedPackages=[{"purl": rule}]) == outcome


@pytest.mark.parametrize(
    ("versions", "version", "outcome"),
    [
        ("vers:deb/<3.0.2-0ubuntu1.12", "3.0.2-0ubuntu1.10", "PACKAGE_DENIED"),
        ("vers:deb/<3.0.2-0ubuntu1.12", "3.0.2-0ubuntu1.12", "pass"),
        ("vers:npm/>=1.0.0|<2.0.0", "1.5.0", "PACKAGE_DENIED"),
        ("vers:npm/>=1.0.0|<2.0.0", "2.0.0", "pass"),
        ("vers:pypi/<2.0rc1", "2.0b3", "PACKAGE_DENIED"),
        ("vers:pypi/<2.0rc1", "2.0", "pass"),
        ("vers:maven/>=2.0-beta9|<2.15.0", "2.14.1", "PACKAGE_DENIED"),
        ("vers:rpm/<1:2.0-1", "0:9.0-1", "PACKAGE_DENIED"),
        ("vers:rpm/<1:2.0-1", "2:1.0-1", "pass"),
        ("vers:rpm/<1%3A2.0-1", "0:9.0-1", "PACKAGE_DENIED"),
        ("vers:deb/<1%3A2.0", "9.9", "PACKAGE_DENIED"),
        ("vers:deb/<1%3A2.0", "1:3.0", "pass"),
        ("vers:npm/>= 1.0.0 | < 2.0.0", "1.5.0", "PACKAGE_DENIED"),
        ("vers:npm/>= 1.0.0 | < 2.0.0", "2.5.0", "pass"),
        ("vers:golang/<1.2.3", "v1.2.2", "PACKAGE_DENIED"),
        ("vers:npm/<1.0.0", "not a version", "PACKAGE_DENIED"),
        ("vers:npm/<1.0.0", "", "PACKAGE_DENIED"),
        ("vers:nuget/<1.0.0", "no digits", "PACKAGE_DENIED"),
        ("vers:pypi/<1.0", "9" * 5000, "PACKAGE_DENIED"),
    ],
)
def test_versions_are_compared_as_their_ecosystem_does(versions: str, version: str, outcome: str) -> None:
    """A version that cannot be compared could be in the range, so it is denied."""
    document = spdx([spdx_package("lib", version)])
    assert verdict(document, deniedPackages=[{"name": "lib", "versions": versions}]) == outcome


def test_the_epoch_of_rpm_is_part_of_the_version() -> None:
    """Package URLs have it beside the version."""
    package = spdx_package("openssl", "", purl="pkg:rpm/fedora/openssl@1.1-1?epoch=1")
    rule = {"purl": "pkg:rpm/fedora/openssl", "versions": "vers:rpm/<1:1.0-1"}
    assert verdict(spdx([package]), deniedPackages=[rule]) == "pass"


def test_a_package_without_a_package_url_cannot_hide_from_a_rule_with_one() -> None:
    """Then its name must tell, in any of the spellings of package URLs."""
    rule = {"purl": "pkg:pypi/django-foo"}
    assert verdict(spdx([spdx_package("Django_Foo")]), deniedPackages=[rule]) == "PACKAGE_DENIED"
    broken = spdx_package("django-foo", purl="no package URL")
    assert verdict(spdx([broken]), deniedPackages=[rule]) == "PACKAGE_DENIED"
    other = spdx_package("django-foo", purl="pkg:npm/django-foo@1")
    assert verdict(spdx([other]), deniedPackages=[rule]) == "pass"


@pytest.mark.parametrize("name", ["core", "@angular/core", "@angular:core"])
def test_a_name_is_matched_with_its_group_and_without(name: str) -> None:
    """As npm and as Maven write it."""
    document = cyclonedx([component("core", group="@angular")])
    assert verdict(document, deniedPackages=[{"name": name}]) == "PACKAGE_DENIED"


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ({}, "deniedPackages[0]"),
        ({"name": "a", "purl": "pkg:npm/a"}, "deniedPackages[0]"),
        ({"purl": "npm/a"}, "deniedPackages[0].purl"),
        ({"name": "a", "versions": "<1"}, "deniedPackages[0].versions"),
        ({"name": "a", "versions": "vers:alpine/<1"}, "deniedPackages[0].versions"),
        ({"name": "a", "versions": "vers:npm/"}, "deniedPackages[0].versions"),
        ({"purl": "pkg:npm/a", "versions": "vers:deb/<1"}, "deniedPackages[0].versions"),
        ({"name": "a", "versions": "vers:npm/<0.5,>1"}, "deniedPackages[0].versions"),
        ({"name": "a", "versions": "vers:npm/<0.5 >1"}, "deniedPackages[0].versions"),
        ({"name": "a", "versions": "vers:npm/<0.5%7C>1"}, "deniedPackages[0].versions"),
        ({"name": "a", "version": "1", "versions": "vers:npm/<1"}, "deniedPackages[0].versions"),
        ({"purl": "pkg:npm/a@1", "version": "2"}, "deniedPackages[0].version"),
        ({"nmae": "a"}, "deniedPackages[0]"),
    ],
)
def test_a_package_that_could_deny_nothing_is_an_error_of_the_configuration(
    rule: dict[str, str], path: str
) -> None:
    """With its path."""
    with pytest.raises(ConfigurationError) as caught:
        judge(spdx([MUSL]), deniedPackages=[rule])
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ({"name": "log4j*"}, "name"),
        ({"name": " musl"}, "name"),
        ({"name": "vers:npm/<1"}, "name"),
        ({"name": "left-pad", "version": "<1.3.0"}, "version"),
        ({"name": "left-pad", "version": "1.*"}, "version"),
        ({"name": "left-pad", "version": ">=1|<2"}, "version"),
        ({"name": "left-pad", "version": "=1.0"}, "version"),
        ({"purl": "pkg:npm/left-pad@*"}, "purl"),
    ],
)
def test_what_looks_like_a_pattern_is_refused(rule: dict[str, str], path: str) -> None:
    """Names and versions are compared exactly: it would deny nothing, and every image would pass."""
    with pytest.raises(ConfigurationError) as caught:
        judge(spdx([MUSL]), deniedPackages=[rule])
    assert caught.value.path == f"deniedPackages[0].{path}"


def test_packages_of_ratify_v1_are_judged_as_it_judged_them(shared: Path) -> None:
    """Exact names and versions; a package without a version in the list is denied in every one."""
    document = (shared / "ratify/plugin-sbom-testdata/syftbom.spdx.json").read_bytes()
    for rule, outcome in (
        ({"name": "musl-utils", "version": "1.2.3-r4"}, "PACKAGE_DENIED"),
        ({"name": "musl-utils"}, "PACKAGE_DENIED"),
        ({"name": "musl-utils", "version": "1.0"}, "pass"),
        ({"name": "zlib", "version": "1.2.13-r1"}, "pass"),
        ({"name": "zlib", "version": "1.2.13-r0"}, "PACKAGE_DENIED"),
    ):
        assert verdict(document, disallowedPackages=[rule]) == outcome


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        ("pkg:npm/%40angular/core", "@angular/core"),
        ("pkg:golang/github.com/foo/bar", "github.com/foo/bar"),
        ("pkg:maven/org.apache.logging.log4j/log4j-core", "org.apache.logging.log4j:log4j-core"),
        ("pkg:maven/org.apache.logging.log4j/log4j-core", "log4j-core"),
    ],
)
def test_a_package_without_a_package_url_is_known_by_its_whole_name(rule: str, name: str) -> None:
    """Tools write the namespace into the name, by a slash or a colon."""
    document = spdx([spdx_package(name)])
    assert verdict(document, deniedPackages=[{"purl": rule}]) == "PACKAGE_DENIED"
    assert verdict(spdx([spdx_package("x-" + name)]), deniedPackages=[{"purl": rule}]) == "pass"


@pytest.mark.parametrize(
    ("kind", "locator"),
    [
        ("purl", "PKG:npm/left-pad@1"),
        ("purl", " pkg:npm/left-pad@1"),
        ("PURL", "pkg:npm/left-pad@1"),
        ("http://spdx.org/rdf/references/purl", "pkg:npm/left-pad@1"),
    ],
)
def test_every_spelling_of_a_package_url_is_read(kind: str, locator: str) -> None:
    """The scheme has no case (purl specification), and SPDX has a short and a long name of the type (annex F)."""
    package = {
        **spdx_package("another"),
        "externalRefs": [{"referenceType": kind, "referenceLocator": locator}],
    }
    assert verdict(spdx([package]), deniedPackages=[{"purl": "pkg:npm/left-pad"}]) == "PACKAGE_DENIED"


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"name": "musl-utils"}, "it is denied in every version"),
        ({"name": "musl-utils", "version": "1.2.3-r4"}, "version 1.2.3-r4 is denied"),
        ({"name": "musl-utils", "versions": "vers:apk/<1.2.4-r1"}, "its version is in vers:apk/<1.2.4-r1"),
    ],
)
def test_a_finding_says_which_rule_denies_the_package(rule: dict[str, str], said: str) -> None:
    """With its name, version and place."""
    with pytest.raises(VerificationError) as caught:
        judge(spdx([spdx_package("other"), MUSL]), deniedPackages=[rule])
    assert caught.value.message == f"1 package is denied: musl-utils 1.2.3-r4 (packages[1]): {said}"


@pytest.mark.parametrize(
    ("reference", "named"),
    [
        ({"spdxDocument": "https://example.com/other"}, "https://example.com/other"),
        ({"spdxDocument": 7}, "a document that it does not name"),
        ("other", "a document that it does not name"),
    ],
)
def test_the_other_document_that_an_sbom_needs_is_named(reference: object, named: str) -> None:
    """What is in it is not judged."""
    document = spdx([MUSL], externalDocumentRefs=[reference])
    with pytest.raises(VerificationError) as caught:
        judge(document, deniedPackages=[{"name": "other"}])
    assert caught.value.message.endswith(f"which are not read: {named}")


def test_a_package_url_that_readers_decode_in_two_ways_hides_no_name() -> None:
    """A percent sign that encodes nothing makes it none, so the name counts."""
    document = spdx([spdx_package("left-pad", purl="pkg:npm/%zz@1")])
    assert verdict(document, deniedPackages=[{"purl": "pkg:npm/left-pad"}]) == "PACKAGE_DENIED"
