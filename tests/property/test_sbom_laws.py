"""Laws of SBOMs: their rules, license expressions and differences."""

import json
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pyratify.core.errors import VerificationError
from pyratify.evidence.sbom.compare import compare
from pyratify.evidence.sbom.license_expression import Expression, InvalidExpression
from pyratify.evidence.sbom.read_sbom import parse_sbom, read_sbom
from pyratify.testing.sboms import component, cyclonedx, spdx, spdx_package
from support.sbom_judging import verdict

IDENTIFIERS = ["MIT", "ISC", "Zlib", "GPL-3.0-only", "Apache-2.0", "LicenseRef-x"]
LICENSE = st.sampled_from(IDENTIFIERS)
EXPRESSION = st.recursive(
    LICENSE,
    lambda inner: st.builds("({} {} {})".format, inner, st.sampled_from(["AND", "OR"]), inner),
    max_leaves=6,
)
STATED = st.one_of(EXPRESSION, st.sampled_from(["", "NOASSERTION", "NONE", "MIT,ISC", "mit", "some words"]))
NAME = st.sampled_from(["musl", "zlib", "core", "openssl"])
VERSION = st.sampled_from(["", "1.0", "1.2.3-r4", "2.0", "odd one"])
PURL = st.sampled_from(
    ["", "pkg:npm/core@1.0", "pkg:apk/alpine/musl@1.2.3-r4", "pkg:npm/%63ore@2", "no purl"]
)
PACKAGE = st.builds(
    lambda name, version, license_, purl: (name, version, license_, purl), NAME, VERSION, STATED, PURL
)
PACKAGES = st.lists(PACKAGE, min_size=1, max_size=6)
RULES = st.sampled_from(
    [
        {"deniedLicenses": ["GPL-3.0-only"]},
        {"deniedLicenses": ["MIT", "NOASSERTION"]},
        {"deniedLicenses": ["MIT"], "licenseMatch": "mention"},
        {"allowedLicenses": ["MIT", "ISC", "Zlib"]},
        {"deniedPackages": [{"name": "musl"}]},
        {"deniedPackages": [{"purl": "pkg:npm/core", "versions": "vers:npm/<2.0.0"}]},
        {"required": {"fields": ["version", "license"]}},
        {},
    ]
)


def document(packages: list[Any], *, as_spdx: bool) -> bytes:
    """Return an SBOM of the packages."""
    if as_spdx:
        return spdx(spdx_package(*each[:3], purl=each[3]) for each in packages)
    return cyclonedx(component(*each[:3], purl=each[3]) for each in packages)


@settings(max_examples=60)
@given(PACKAGES, PACKAGE, RULES, st.booleans())
def test_another_package_never_turns_a_refusal_into_a_pass(
    packages: list[Any], added: Any, rules: dict[str, Any], as_spdx: bool
) -> None:
    """Whatever is refused stays refused, wherever the package is added."""
    if verdict(document(packages, as_spdx=as_spdx), **rules) != "pass":
        assert verdict(document([*packages, added], as_spdx=as_spdx), **rules) != "pass"
        assert verdict(document([added, *packages], as_spdx=as_spdx), **rules) != "pass"


@settings(max_examples=60)
@given(PACKAGES, RULES, st.booleans(), st.randoms(use_true_random=False))
def test_the_order_of_packages_changes_nothing(
    packages: list[Any], rules: dict[str, Any], as_spdx: bool, random: Any
) -> None:
    """The verdict is that of the set."""
    shuffled = list(packages)
    random.shuffle(shuffled)
    assert verdict(document(packages, as_spdx=as_spdx), **rules) == verdict(
        document(shuffled, as_spdx=as_spdx), **rules
    )


@settings(max_examples=40)
@given(PACKAGES, RULES)
def test_a_package_within_another_is_judged_as_one_beside_it(
    packages: list[Any], rules: dict[str, Any]
) -> None:
    """Nesting hides nothing."""
    flat = document(packages, as_spdx=False)
    first, *others = (component(*each[:3], purl=each[3]) for each in packages)
    nested = cyclonedx([first | {"components": others}])
    assert verdict(nested, **rules) == verdict(flat, **rules)


def truth(text: str, accepted: frozenset[str]) -> bool:
    """Evaluate an expression as Python does: AND binds more strongly than OR there too."""
    names = {name: name in accepted for name in IDENTIFIERS}
    words = text.replace("(", " ( ").replace(")", " ) ").split()
    operators = {"AND": "and", "OR": "or", "(": "(", ")": ")"}
    return bool(eval(" ".join(operators.get(word) or str(names[word]) for word in words)))


@given(EXPRESSION, st.frozensets(LICENSE))
def test_expressions_are_evaluated_formally(text: str, accepted: frozenset[str]) -> None:
    """OR chooses and AND does not; brackets count."""
    assert Expression(text).holds(lambda term: term.text in accepted) is truth(text, accepted)


@given(st.text(alphabet="AMITNDOR()+-. WHE/,|&é\x00", max_size=60))
def test_any_text_is_an_expression_or_is_refused_as_none(text: str) -> None:
    """No other error, and an expression has a license."""
    with suppress(InvalidExpression):
        assert Expression(text).terms()


@given(PACKAGES, PACKAGES, st.booleans())
def test_the_difference_is_empty_for_equals_and_mirrored_otherwise(
    first: list[Any], second: list[Any], as_spdx: bool
) -> None:
    """What one direction adds the other removes."""
    before = read_sbom(parse_sbom(document(first, as_spdx=as_spdx)))
    after = read_sbom(parse_sbom(document(second, as_spdx=as_spdx)))
    assert not compare(before, before)
    there, back = compare(before, after), compare(after, before)
    assert [(each.package, each.after) for each in there.added] == [
        (each.package, each.before) for each in back.removed
    ]
    assert {(each.package, each.before, each.after) for each in there.versions} == {
        (each.package, each.after, each.before) for each in back.versions
    }
    assert bool(there) is bool(back)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.sampled_from(["", "MIT", "1.6", "CycloneDX"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["name", "type", "licenses", "license", "components", "metadata", "hashes", "version"]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


@given(
    st.sampled_from(["CycloneDX", "SPDX"]),
    st.dictionaries(
        st.sampled_from(
            [
                "components",
                "metadata",
                "packages",
                "creationInfo",
                "relationships",
                "externalDocumentRefs",
                "name",
                "SPDXID",
            ]
        ),
        JSON,
        max_size=5,
    ),
)
def test_documents_of_any_shape_are_read_or_refused(kind: str, members: dict[str, Any]) -> None:
    """Never another error than that of a bad document."""
    mark = {"spdxVersion": "SPDX-2.3"} if kind == "SPDX" else {"bomFormat": "CycloneDX", "specVersion": "1.6"}
    with suppress(VerificationError):
        read_sbom(parse_sbom(json.dumps(mark | members).encode()))
