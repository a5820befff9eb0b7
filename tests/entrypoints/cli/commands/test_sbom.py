"""`ratify inspect` of SBOMs, and `ratify sbom diff`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pyratify.testing.attestations import attach_attestation, bundle, envelope, in_toto
from pyratify.testing.cosign import CosignKey
from pyratify.testing.layout import write_layout
from pyratify.testing.memory import MemoryStore
from pyratify.testing.sboms import component, cyclonedx, spdx, spdx_package
from pyratify.testing.vulnerability import grype_report

Run = Callable[..., tuple[int, str, str]]
TYPE, PREDICATE = "application/spdx+json", "https://spdx.dev/Document"
FIRST = spdx(
    [
        spdx_package("musl", "1.2.3", purl="pkg:apk/alpine/musl@1.2.3?arch=x86_64"),
        spdx_package("zlib", expression="Zlib"),
        spdx_package("gone", "", "NOASSERTION"),
    ]
)
SECOND = cyclonedx(
    [
        component("new", purl="pkg:npm/%40scope/new@2.0#sub"),
        component("zlib", expression="MIT"),
        component("musl", "1.2.4", purl="pkg:apk/alpine/musl@1.2.4?arch=x86_64"),
    ]
)


@pytest.fixture
def image(tmp_path: Path) -> str:
    """A layout with an image, an SBOM attached as it is, and another in a bundle."""
    store = MemoryStore()
    subject = store.add_image()
    store.attach(subject, TYPE, (TYPE, FIRST))
    statement = in_toto(subject.digest, "https://cyclonedx.org/bom", json.loads(SECOND))
    attach_attestation(store, subject, bundle(CosignKey.generate(), statement))
    write_layout(store, tmp_path / "layout")
    return f"oci:{tmp_path / 'layout'}@{subject.digest}"


def save(folder: Path, data: bytes, name: str = "file.json") -> str:
    """Write a file and return its path."""
    (folder / name).write_bytes(data)
    return str(folder / name)


def sboms(out: str) -> list[dict[str, Any]]:
    """Return what `inspect --sbom -o json` printed."""
    found: list[dict[str, Any]] = json.loads(out)["sboms"]
    return found


def test_inspect_counts_packages_and_licenses_of_a_file(run: Run, tmp_path: Path) -> None:
    """For people: how many packages, which licenses, how old."""
    code, out, _ = run("inspect", save(tmp_path, FIRST), "-o", "json")
    assert code == 0
    facts = json.loads(out)
    assert (facts["kind"], facts["format"], facts["packages"]) == ("SBOM", "spdx", 3)
    assert facts["licenses"] == {"MIT": 1, "Zlib": 1}
    assert (facts["packagesWithoutLicense"], facts["createdAt"]) == (1, "2026-05-31T12:00:00Z")


def test_inspect_summarises_sboms_that_are_attached_or_signed(run: Run, image: str) -> None:
    """A predicate of a thousand packages is counted, not printed."""
    code, out, _ = run("inspect", image, "-o", "json")
    assert code == 0
    contents = [each for found in json.loads(out)["attached"] for each in found["contents"]]
    by_kind = {each["kind"]: each for each in contents}
    assert by_kind["SBOM"]["packages"] == 3
    predicate = by_kind["sigstore bundle"]["envelope"]["payload"]["predicate"]
    assert (predicate["format"], predicate["packages"]) == ("cyclonedx", 3)


def test_a_broken_sbom_is_a_fact_beside_the_others(run: Run, tmp_path: Path) -> None:
    """With the reason."""
    code, out, _ = run("inspect", save(tmp_path, b'{"bomFormat": "CycloneDX", "specVersion": "1.1"}'))
    assert code == 0
    assert "1.4, 1.5, 1.6, 1.7 are read" in out


@pytest.mark.parametrize(
    "make",
    [
        lambda key, statement: FIRST,
        lambda key, statement: json.dumps(statement).encode(),
        lambda key, statement: json.dumps(envelope(key, statement)).encode(),
        lambda key, statement: json.dumps(bundle(key, statement)).encode(),
    ],
    ids=["SBOM", "statement", "envelope", "bundle"],
)
def test_packages_are_listed_alike_from_every_form(
    run: Run, tmp_path: Path, make: Callable[[CosignKey, Any], bytes]
) -> None:
    """One shape for pipelines."""
    store = MemoryStore()
    statement = in_toto(store.add_image().digest, PREDICATE, json.loads(FIRST))
    path = save(tmp_path, make(CosignKey.generate(), statement))
    code, out, _ = run("inspect", "--sbom", "-o", "json", path)
    assert code == 0
    (found,) = sboms(out)
    assert found["packages"][0] == {
        "name": "musl",
        "version": "1.2.3",
        "purl": "pkg:apk/alpine/musl@1.2.3?arch=x86_64",
        "licenses": ["MIT"],
        "supplier": "",
        "where": "packages[0]",
    }


@pytest.mark.parametrize(
    "written", ["application/spdx+json; version=2.3", "Application/SPDX+JSON ;version=2.3"]
)
def test_the_media_type_of_an_sbom_is_read_as_the_verifier_reads_it(
    run: Run, tmp_path: Path, written: str
) -> None:
    """In any case and with parameters (RFC 9110, 8.3.1), by both views of what is attached."""
    store = MemoryStore()
    subject = store.add_image()
    store.attach(subject, "application/x", (written, FIRST))
    write_layout(store, tmp_path / "layout")
    reference = f"oci:{tmp_path / 'layout'}@{subject.digest}"
    assert len(sboms(run("inspect", "--sbom", "-o", "json", reference)[1])) == 1
    ((contents,),) = [
        each["contents"] for each in json.loads(run("inspect", reference, "-o", "json")[1])["attached"]
    ]
    assert contents["kind"] == "SBOM"


def test_packages_of_every_attached_sbom_are_listed(run: Run, image: str) -> None:
    """Raw and signed ones, each with its artifact's digest."""
    code, out, _ = run("inspect", "--sbom", "-o", "json", image)
    assert code == 0
    found = sboms(out)
    assert sorted(each["format"] for each in found) == ["cyclonedx", "spdx"]
    assert all(each["origin"].startswith("sha256:") for each in found)
    assert "musl  1.2.3  MIT" in run("inspect", "--sbom", image)[1]


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"<bom/>", "is XML"), (b"{}", "neither spdxVersion nor bomFormat"), (b"\xff", "not UTF-8")],
)
def test_a_file_that_is_no_sbom_is_refused(run: Run, tmp_path: Path, data: bytes, message: str) -> None:
    """With what it is."""
    code, _, err = run("inspect", "--sbom", save(tmp_path, data))
    assert code == 3
    assert message in err


def test_a_statement_of_another_type_is_no_sbom(run: Run, tmp_path: Path) -> None:
    """Its predicate may be anything."""
    path = save(tmp_path, b'{"predicateType": "https://slsa.dev/provenance/v1", "predicate": {}}')
    code, _, err = run("inspect", "--sbom", path)
    assert code == 3
    assert "a statement of another type" in err


def test_an_image_without_an_sbom_has_no_packages_to_list(run: Run, tmp_path: Path) -> None:
    """Nothing is not an empty list."""
    store = MemoryStore()
    image = store.add_image()
    write_layout(store, tmp_path / "layout")
    code, _, err = run("inspect", "--sbom", f"oci:{tmp_path / 'layout'}@{image.digest}")
    assert code == 3
    assert "no SBOM is attached" in err


def test_the_difference_is_shown_across_formats(run: Run, tmp_path: Path) -> None:
    """Packages by their package URL where they have one, else by name."""
    paths = save(tmp_path, FIRST, "a.json"), save(tmp_path, SECOND, "b.json")
    code, out, _ = run("sbom", "diff", *paths)
    assert code == 0
    assert out.splitlines() == [
        "+ pkg:npm/%40scope/new 1.0",
        "- gone",
        "~ pkg:apk/alpine/musl 1.2.3 -> 1.2.4",
        "~ license of zlib Zlib -> MIT",
    ]
    code, out, _ = run("sbom", "diff", "-o", "json", "--exit-code", *paths)
    assert code == 1
    assert json.loads(out)["removed"] == [{"package": "gone", "before": [""], "after": []}]


def test_equal_sboms_do_not_differ(run: Run, tmp_path: Path) -> None:
    """Whatever order their packages stand in."""
    document = json.loads(FIRST)
    document["packages"].reverse()
    paths = save(tmp_path, FIRST, "a.json"), save(tmp_path, json.dumps(document).encode(), "b.json")
    code, out, _ = run("sbom", "diff", "--exit-code", *paths)
    assert (code, out) == (0, "no difference\n")


def test_a_reference_with_several_sboms_is_refused_where_one_is_needed(
    run: Run, tmp_path: Path, image: str
) -> None:
    """Which one is meant is for the caller to say."""
    code, _, err = run("sbom", "diff", save(tmp_path, FIRST), image)
    assert code == 3
    assert "has 2 SBOMs" in err


def test_the_artifact_says_what_a_layer_is_that_does_not(run: Run, tmp_path: Path) -> None:
    """`oras attach` gives layers the type of a tar archive where none is written; the verifier goes by the artifact's."""
    store, plain = MemoryStore(), "application/vnd.oci.image.layer.v1.tar"
    subject = store.add_image()
    store.attach(subject, TYPE, (plain, FIRST))
    store.attach(
        subject, "application/vnd.anchore.grype.report+json", (plain, json.dumps(grype_report()).encode())
    )
    write_layout(store, tmp_path / "layout")
    reference = f"oci:{tmp_path / 'layout'}@{subject.digest}"
    _, out, _ = run("inspect", reference, "-o", "json")
    kinds = [each["kind"] for artifact in json.loads(out)["attached"] for each in artifact["contents"]]
    assert sorted(kinds) == ["SBOM", "vulnerability report"]
    _, out, _ = run("inspect", "--sbom", reference, "-o", "json")
    assert [len(each["packages"]) for each in sboms(out)] == [3]
    _, out, _ = run("discover", reference)
    assert "vulnerability report" in out
