"""`ratify inspect` of statements: who built what, from where, when and with which materials."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pyratify.core.digest import Digest
from pyratify.testing.attestations import (
    BUILT,
    COMMIT,
    REF,
    SLSA_V02,
    SLSA_V1,
    VERIFIER,
    VSA,
    WORKFLOW,
    bundle,
    envelope,
    in_toto,
    provenance_v02,
    provenance_v1,
    summary,
)
from pyratify.testing.attestations import REPOSITORY as SOURCE
from pyratify.testing.cosign import CosignKey
from pyratify.testing.layout import write_layout
from pyratify.testing.memory import MemoryStore

Run = Callable[..., tuple[int, str, str]]
IMAGE = Digest.of(b"image")


def statement_in(document: dict[str, Any], run: Run, folder: Path) -> dict[str, Any]:
    """Return what inspect says of the statement in a document."""
    path = folder / "document.json"
    path.write_text(json.dumps(document))
    code, out, err = run("inspect", "-o", "json", path)
    assert (code, err) == (0, "")
    assert run("inspect", path)[0] == 0
    found: dict[str, Any] = json.loads(out)
    return found.get("envelope", found)["statement"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("form", ["bundle", "envelope", "statement"])
@pytest.mark.parametrize(
    ("kind", "predicate", "builder"),
    [
        (SLSA_V1, provenance_v1(), WORKFLOW),
        (SLSA_V02, provenance_v02(), "https://example.com/builder"),
    ],
)
def test_provenance_is_told_for_people(
    form: str, kind: str, predicate: dict[str, Any], builder: str, run: Run, tmp_path: Path
) -> None:
    """The same in every form, for both versions."""
    key = CosignKey.generate()
    statement = in_toto(IMAGE, kind, predicate)
    made = {"bundle": bundle(key, statement), "envelope": envelope(key, statement), "statement": statement}
    found = statement_in(made[form], run, tmp_path)
    assert found["about"] == [f"example.com/app@{IMAGE}"]
    assert (found["builder"], found["source"], found["sourceRef"]) == (builder, SOURCE, REF)
    assert found["builtAt"] == BUILT
    assert COMMIT in found["materials"][0]


def test_a_summary_is_told_for_people(run: Run, tmp_path: Path) -> None:
    """Who verified what, with which result."""
    found = statement_in(in_toto(IMAGE, VSA, summary(result="FAILED")), run, tmp_path)
    assert (found["verifierId"], found["verificationResult"]) == (VERIFIER, "FAILED")


@pytest.mark.parametrize(
    ("kind", "predicate"), [(SLSA_V1, "text"), (SLSA_V1, {}), (VSA, []), ("https://example.com/x", None)]
)
def test_a_malformed_predicate_is_a_fact_beside_the_others(
    kind: str, predicate: Any, run: Run, tmp_path: Path
) -> None:
    """Inspect shows what is there."""
    found = statement_in(in_toto(IMAGE, kind, predicate), run, tmp_path)
    assert found["predicateType"] == kind
    assert ("error" in found) is kind.startswith("https://slsa.dev/")


@pytest.mark.parametrize("broken", [None, "nonsense"])
def test_each_line_of_an_in_toto_bundle_is_taken_apart(broken: str | None, run: Run, tmp_path: Path) -> None:
    """A file, and a layer by its type; one that is broken hides none."""
    key = CosignKey.generate()
    made = in_toto(IMAGE, SLSA_V1, provenance_v1())
    lines = [json.dumps(bundle(key, made)), json.dumps(envelope(key, made))]
    kinds = ["sigstore bundle", "DSSE envelope"]
    if broken is not None:
        lines, kinds = [broken, *lines], ["unknown", *kinds]
    path = tmp_path / "app.intoto.jsonl"
    path.write_text("\n".join(lines) + "\n")
    facts = json.loads(run("inspect", "-o", "json", path)[1])
    assert facts["kind"] == "in-toto bundle"
    assert [(each["line"], each["kind"]) for each in facts["lines"]] == list(enumerate(kinds, 1))
    store = MemoryStore()
    image = store.add_image()
    for kind in ("application/vnd.in-toto.bundle", "application/vnd.dsse.envelope.v1+json"):
        store.attach(image, kind, (kind, path.read_bytes()))
    write_layout(store, tmp_path / "layout")
    found = json.loads(run("inspect", "-o", "json", f"oci:{tmp_path / 'layout'}@{image.digest}")[1])
    for each in found["attached"]:
        assert [line["kind"] for line in each["contents"][0]["lines"]] == kinds


def test_a_bundle_with_too_many_lines_says_so(run: Run, tmp_path: Path) -> None:
    """What is cut must not look whole."""
    path = tmp_path / "app.intoto.jsonl"
    path.write_text("{}\n" * 101)
    assert "more lines" in json.loads(run("inspect", "-o", "json", path)[1])["error"]
