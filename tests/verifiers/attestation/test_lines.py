"""Several bundles or envelopes in one layer, as JSON lines: Ratify v1's verifier `slsa`, and `.intoto.jsonl` files."""

import asyncio
import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest

from pyratify.core.digest import Digest
from pyratify.core.key import KeyProvider
from pyratify.core.limits import Limits
from pyratify.core.reason import Reason
from pyratify.core.report import ValidationResult
from pyratify.sigstore import statement_reader
from pyratify.sigstore.media_types import BUNDLE
from pyratify.sigstore.statement_envelopes import SignedStatement, authenticate
from pyratify.sigstore.statement_formats import DSSE, IN_TOTO_BUNDLE, MAX_ATTESTATION, RATIFY_V1
from pyratify.testing.attestations import SLSA_V1, VERIFIER, VSA, bundle, envelope, in_toto, summary
from pyratify.testing.cosign import CosignKey
from pyratify.testing.memory import make_manifest
from support.attestation_setting import FROM_SOURCE, AttestationSetting, KeyResources
from support.cosign_setting import KEY, OTHER, reasons

LAYER = "application/vnd.oci.image.layer.v1.tar"  # what `oras attach` gives a file


def attach(
    setting: AttestationSetting,
    *lines: Any,
    artifact_type: str = IN_TOTO_BUNDLE,
    layer_type: str = IN_TOTO_BUNDLE,
) -> None:
    """Attach a file with these lines; bytes stand as they are."""
    data = b"\n".join(each if isinstance(each, bytes) else json.dumps(each).encode() for each in lines)
    layer = setting.store.add_blob(data + b"\n", layer_type)
    manifest = make_manifest(artifact_type=artifact_type, layers=[layer], subject=setting.image)
    setting.store.list_under(setting.image.digest, setting.store.add_manifest(manifest))


def statements(result: ValidationResult) -> list[tuple[int | None, bool]]:
    """Return the line of each statement in the report, and whether it counts."""
    ((details,),) = [
        [item.details for item in report.results if item.details is not None] for report in result.artifacts
    ]
    return [(each.get("line"), each["succeeded"]) for each in details.data["statements"]]


@pytest.mark.parametrize(
    ("artifact_type", "layer_type"),
    [(IN_TOTO_BUNDLE, IN_TOTO_BUNDLE), (RATIFY_V1, LAYER), (RATIFY_V1, BUNDLE), (BUNDLE, BUNDLE)],
)
async def test_every_bundle_of_a_file_is_judged(artifact_type: str, layer_type: str) -> None:
    """Each by itself, and all stand in the report."""
    setting = AttestationSetting()
    lines = [
        bundle(OTHER, setting.provenance()),
        b"nonsense",
        bundle(KEY, setting.provenance()),
        bundle(KEY, in_toto(Digest.of(b"another"), SLSA_V1, {})),
    ]
    attach(setting, *lines, artifact_type=artifact_type, layer_type=layer_type)
    result = await setting.validate()
    assert result.succeeded, result.to_json()
    assert statements(result) == [(1, False), (2, False), (3, True), (4, False)]


@pytest.mark.parametrize("layer_type", [IN_TOTO_BUNDLE, DSSE])
async def test_lines_may_be_envelopes(layer_type: str) -> None:
    """As the specification of in-toto has it; after a broken one, too."""
    setting = AttestationSetting()
    attach(setting, b"{", envelope(KEY, setting.provenance()), layer_type=layer_type)
    assert statements(await setting.validate()) == [(1, False), (2, True)]


async def test_bundles_and_envelopes_may_stand_together() -> None:
    """The media type of an in-toto bundle says neither."""
    setting = AttestationSetting()
    attach(setting, envelope(KEY, setting.provenance()), bundle(KEY, setting.provenance()))
    assert statements(await setting.validate()) == [(1, True), (2, True)]


def summaries(setting: AttestationSetting, *results: str) -> list[dict[str, Any]]:
    """Return a bundle with a summary for each result."""
    return [bundle(KEY, in_toto(setting.image.digest, VSA, summary(result=each))) for each in results]


SUMMARIES = {
    "vsa": [
        {
            "verifierId": VERIFIER,
            "signers": [KEY.fingerprint],
            "resourceUris": ["https://example.com/app"],
            "levels": ["SLSA_BUILD_LEVEL_1"],
        }
    ]
}


@pytest.mark.parametrize("order", [("PASSED", "FAILED"), ("FAILED", "PASSED")])
async def test_a_good_line_hides_no_refused_one(order: tuple[str, str]) -> None:
    """A failed summary denies, wherever it stands and whatever stands beside it."""
    setting = AttestationSetting()
    attach(setting, *summaries(setting, "PASSED"), b"nonsense")
    assert (await setting.validate(SUMMARIES)).succeeded
    setting = AttestationSetting()
    attach(setting, b"nonsense", *summaries(setting, *order))
    result = await setting.validate(SUMMARIES)
    assert not result.succeeded
    assert Reason.PROVENANCE_MISMATCH in reasons(result)


async def test_every_line_has_to_be_good_where_all_have_to() -> None:
    """`require: all` counts the lines of a file like the layers of a tag."""
    for sources in (["https://github.com/other/app"], []):
        setting = AttestationSetting()
        others = [bundle(KEY, setting.provenance(source=each)) for each in sources]
        attach(setting, *others, bundle(KEY, setting.provenance()), bundle(KEY, setting.provenance()))
        assert (await setting.validate({**FROM_SOURCE, "require": "all"})).succeeded is not sources


async def test_the_lines_of_a_file_count_against_the_limit() -> None:
    """One more is not cut off: the artifact does not count."""
    setting = AttestationSetting()
    attach(setting, *[bundle(KEY, setting.provenance())] * 3)
    assert (await setting.validate(limits=Limits(signatures=3))).succeeded
    result = await setting.validate(limits=Limits(signatures=2))
    assert not result.succeeded
    assert Reason.SIGNATURE_LIMIT in reasons(result)


class ManyKeys(KeyResources):
    """Fifty trusted keys beside the one that signs."""

    async def keys(self, sources: Mapping[str, Any], path: str) -> KeyProvider:
        """All of them."""
        signing = await super().keys(sources, path)
        others = tuple(CosignKey.generate().material for _ in range(50))
        return SimpleNamespace(keys=AsyncMock(return_value=(*others, *await signing.keys())))


@pytest.mark.parametrize(
    ("parameters", "counts"),
    [
        ({"require": "all"}, False),
        ({"require": "newest"}, False),
        (SUMMARIES | {"provenance": None}, False),
        ({}, True),
    ],
)
async def test_lines_that_were_not_tried_may_be_the_ones_that_are_refused(
    parameters: dict[str, Any], *, counts: bool
) -> None:
    """Where all have to be good or one may deny, a file with more than can be verified is no evidence."""
    setting = AttestationSetting()
    first = summaries(setting, "PASSED") if "vsa" in parameters else [bundle(KEY, setting.provenance())]
    attach(setting, *first, *[bundle(OTHER, setting.provenance())] * 100)
    result = await setting.validate({**FROM_SOURCE, **parameters}, resources=ManyKeys())
    assert result.succeeded is counts, result.to_json()
    assert counts or reasons(result) == {Reason.ATTEMPT_LIMIT}


@pytest.mark.parametrize(
    ("parameters", "counts"),
    [({"require": "all"}, False), ({"require": "newest"}, False), ({}, True)],
)
@pytest.mark.parametrize("fault", [Reason.BLOB_NOT_FOUND, Reason.SIZE_EXCEEDED])
async def test_a_layer_that_cannot_be_read_may_be_the_one_that_is_refused(
    parameters: dict[str, Any], fault: Reason, *, counts: bool
) -> None:
    """What was never pushed, or is too large, is unknown like a line that was not tried."""
    setting = AttestationSetting()
    one, two = (json.dumps(envelope(KEY, setting.provenance())).encode() + b" " * n for n in (0, 1))
    if fault is Reason.SIZE_EXCEEDED:
        two += b" " * MAX_ATTESTATION
    setting.store.attach(setting.image, DSSE, (DSSE, one), (DSSE, two))
    if fault is Reason.BLOB_NOT_FOUND:
        del setting.store.blobs[Digest.of(two)]
    result = await setting.validate({**FROM_SOURCE, **parameters})
    assert result.succeeded is counts, result.to_json()
    assert counts or reasons(result) == {fault}


async def test_a_file_of_many_lines_does_not_hold_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two lines other requests have a turn."""
    setting, turns, seen = AttestationSetting(), 0, []

    async def another_request() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    def noted(*arguments: Any) -> SignedStatement:
        seen.append(turns)
        return authenticate(*arguments)

    monkeypatch.setattr(statement_reader, "authenticate", noted)
    attach(setting, *[bundle(KEY, setting.provenance())] * 60)
    beside = asyncio.create_task(another_request())
    assert (await setting.validate()).succeeded
    beside.cancel()
    assert len(set(seen)) == 60


async def test_ratify_v1_did_not_compare_the_subject_and_this_does() -> None:
    """A summary of a source revision, as v1's documentation attaches it, says nothing of the image."""
    setting = AttestationSetting()
    revision = in_toto(setting.image.digest, VSA, summary())
    revision["subject"] = [{"digest": {"gitCommit": "a" * 40}}]
    attach(setting, bundle(KEY, revision), artifact_type=RATIFY_V1, layer_type=LAYER)
    result = await setting.validate(SUMMARIES)
    assert not result.succeeded
    assert Reason.PAYLOAD_SUBJECT_MISMATCH in reasons(result)
