"""What differs between two SBOMs."""

from hypothesis import given
from hypothesis import strategies as st

from pyratify.evidence.sbom.compare import Change, compare
from pyratify.evidence.sbom.document import License, Package, Sbom

NAMES = st.sampled_from(["musl", "zlib", "openssl"])
PACKAGES = st.lists(
    st.builds(
        lambda name, version, text, purl: Package(
            name,
            "here",
            version,
            purls=(f"pkg:apk/alpine/{name}@{version}?arch=x86_64#sub",) if purl else (),
            licenses=(License(text),),
        ),
        NAMES,
        st.sampled_from(["1", "2"]),
        st.sampled_from(["MIT", "Zlib", "NOASSERTION"]),
        st.booleans(),
    ),
    max_size=5,
)


def sbom(packages: list[Package]) -> Sbom:
    """Return an SBOM of these packages."""
    return Sbom("SPDX", "2.3", "image", None, (), (), tuple(packages), frozenset(), ())


@given(PACKAGES, st.randoms())
def test_an_sbom_differs_from_itself_in_nothing(packages: list[Package], random: object) -> None:
    """In whatever order its packages stand."""
    shuffled = sorted(packages, key=lambda _: random.random())  # type: ignore[attr-defined]
    found = compare(sbom(packages), sbom(shuffled))
    assert not found
    assert found.to_dict() == {"added": [], "removed": [], "versions": [], "licenses": []}


@given(PACKAGES, PACKAGES)
def test_what_is_added_one_way_is_removed_the_other_way(first: list[Package], second: list[Package]) -> None:
    """And every difference is seen from both sides."""
    there, back = compare(sbom(first), sbom(second)), compare(sbom(second), sbom(first))
    assert bool(there) is bool(back)
    assert bool(there) is any(there.to_dict().values())
    turned = tuple(Change(each.package, each.after, each.before) for each in there.added)
    assert back.removed == turned
    for name in ("versions", "licenses"):
        assert getattr(back, name) == tuple(
            sorted(Change(each.package, each.after, each.before) for each in getattr(there, name))
        )


def test_a_package_is_known_by_its_package_url_without_version_and_qualifiers() -> None:
    """By its name with its group where it has none."""
    before = [
        Package("musl", "a", "1", purls=("pkg:apk/alpine/musl@1?arch=x86_64#sub",)),
        Package("core", "b", "1", purls=("pkg:npm/@angular/core@1",)),
        Package("bare", "c", "1", purls=("pkg:npm/@scope/bare",)),
        Package("api", "d", "1", group="org.apache"),
        Package("gone", "e", "1"),
    ]
    after = [
        Package("musl", "a", "2", purls=("pkg:apk/alpine/musl@2?arch=arm64",)),
        Package("core", "b", "2", purls=("pkg:npm/@angular/core@2",)),
        Package("bare", "c", "2", purls=("pkg:npm/@scope/bare",)),
        Package("api", "d", "2", group="org.apache", licenses=(License("MIT"), License("NOASSERTION"))),
        Package("new", "e", "1"),
        Package("new", "f", "1"),
    ]
    found = compare(sbom(before), sbom(after)).to_dict()
    assert found == {
        "added": [{"package": "new", "before": [], "after": ["1", "1"]}],
        "removed": [{"package": "gone", "before": ["1"], "after": []}],
        "versions": [
            {"package": name, "before": ["1"], "after": ["2"]}
            for name in (
                "org.apache/api",
                "pkg:apk/alpine/musl",
                "pkg:npm/@angular/core",
                "pkg:npm/@scope/bare",
            )
        ],
        "licenses": [{"package": "org.apache/api", "before": [], "after": ["MIT"]}],
    }
