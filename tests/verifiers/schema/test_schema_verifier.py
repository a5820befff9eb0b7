"""The verifier of schemas."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pyratify.config.decode import decode
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import ConfigurationError
from pyratify.core.executor import Executor
from pyratify.core.manifest import OCI_INDEX, parse_manifest
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision, ValidationResult
from pyratify.core.verifier import Verifier
from pyratify.testing.memory import MemoryStore
from pyratify.verifiers.schema.schema_plugin import plugin
from support.plugins import FakeResources
from support.scenes import codes, threshold

KIND, JSON = "application/vnd.example.report", "application/json"
RULE = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
SARIF = "application/sarif+json"


async def build(parameters: Mapping[str, Any], base: Path = Path()) -> Verifier:
    """Build the verifier from parameters as they stand in a file."""
    return await plugin.build("schema", decode(plugin.options, dict(parameters)), FakeResources(base=base))


async def judged(
    parameters: Mapping[str, Any], *layers: tuple[str, bytes], base: Path = Path()
) -> ValidationResult:
    """Validate an image with an artifact of these layers."""
    store = MemoryStore()
    image = store.add_image()
    store.attach(image, KIND, *layers)
    executor = Executor(store=store, verifiers=(await build(parameters, base),), policy=threshold("schema"))
    return await executor.validate(Reference.parse(f"example.com/app@{image.digest}"))


def schemas(schema: Any = RULE, media_type: str = JSON) -> dict[str, Any]:
    """Return parameters with one inline schema."""
    return {"schemas": {media_type: {"inline": schema}}}


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b'{"name": "a"}', None),
        (b'{"name": 1}', Reason.REPORT_INVALID),
        (b"{}", Reason.REPORT_INVALID),
        (b"[]", Reason.REPORT_INVALID),
        (b'{"name": 1, "name": "a"}', Reason.JSON_DUPLICATE_KEY),
        (b"", Reason.JSON_INVALID),
        (b'{"name": "a"} {}', Reason.JSON_INVALID),
        (b'{"name": "a", "deep": ' + b"[" * 70 + b"]" * 70 + b"}", Reason.PARSE_LIMIT),
    ],
)
async def test_a_document_must_follow_its_schema(document: bytes, reason: Reason | None) -> None:
    """And be JSON that every reader understands in one way."""
    result = await judged(schemas(), (JSON, document))
    assert (result.decision is Decision.ALLOW) is (reason is None)
    assert reason is None or reason in codes(result)


async def test_the_message_names_the_place_and_not_the_content() -> None:
    """Content may be long, and anything."""
    schema = {"properties": {"runs": {"items": {"required": ["tool"]}}}}
    result = await judged(schemas(schema), (JSON, b'{"runs": [{"tool": 1}, {"secret": "hunter2"}]}'))
    failure = result.artifacts[0].results[0].failure
    assert failure is not None
    assert 'runs[1]: "tool" is a required property' in failure.message
    assert "hunter2" not in failure.message


async def test_every_document_is_compared() -> None:
    """A second one cannot hide behind the first."""
    result = await judged(schemas(), (JSON, b'{"name": "a"}'), (JSON, b"{}"))
    assert Reason.REPORT_INVALID in codes(result)
    result = await judged(schemas(), (JSON, b'{"name": "a"}'), (JSON, b'{"name": "b"}'))
    assert result.decision is Decision.ALLOW


async def test_twenty_documents_are_compared_and_no_more() -> None:
    """Each costs a request and a parse; the report has their number and their types."""
    document = (JSON, b'{"name": "a"}')
    result = await judged(schemas(), *[document] * 20)
    (found,) = [each.details for report in result.artifacts for each in report.results]
    assert found is not None
    assert dict(found.data) == {"documents": 20, "mediaTypes": [JSON]}
    assert Reason.PARSE_LIMIT in codes(await judged(schemas(), *[document] * 21))


async def test_a_huge_document_is_not_read() -> None:
    """One of 5 MiB is, one of 17 MiB is not."""
    large = b'{"name": "' + b"a" * (5 << 20) + b'"}'
    assert (await judged(schemas(), (JSON, large))).decision is Decision.ALLOW
    assert Reason.SIZE_EXCEEDED in codes(await judged(schemas(), (JSON, b" " * (17 << 20))))


async def test_an_index_is_no_document_whatever_it_is_called() -> None:
    """It has no layers, so nothing of it could be compared."""
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "artifactType": KIND, "manifests": []}
    written = json.dumps(index).encode()
    manifest = parse_manifest(written, Descriptor(OCI_INDEX, Digest.of(written), len(written)))
    assert not (await build({**schemas(), "artifactTypes": [KIND]})).accepts(manifest)


async def test_what_is_no_json_is_called_a_document() -> None:
    """With what is wrong with it."""
    failure = (await judged(schemas(), (JSON, b"{"))).artifacts[0].results[0].failure
    assert failure is not None
    assert "document" in failure.message


async def test_a_media_type_without_a_schema_is_refused() -> None:
    """Also beside one that has a schema, and whatever the document says of itself."""
    document = json.dumps({"name": "a", "$schema": "http://example.com/other"}).encode()
    result = await judged(schemas(), (JSON, document), ("text/plain", document))
    assert Reason.MEDIATYPE_UNSUPPORTED in codes(result)


async def test_artifact_types_say_what_is_compared() -> None:
    """A text with commas, as in Ratify v1, or a list."""
    for types in (f"application/x, {KIND}", [KIND]):
        result = await judged({**schemas(), "artifactTypes": types}, (JSON, b"{}"))
        assert Reason.REPORT_INVALID in codes(result)
    result = await judged({**schemas(), "artifactTypes": "application/x"}, (JSON, b'{"name": "a"}'))
    assert Reason.NO_EVIDENCE in codes(result)


@pytest.mark.parametrize(
    ("parameters", "path"),
    [
        ({}, ""),
        ({"schemas": {}}, "schemas"),
        (schemas({}), "schemas.application/json"),
        (schemas({"title": "nothing"}), "schemas.application/json"),
        (schemas({"$defs": {"rule": {"type": "string"}}}), "schemas.application/json"),
        (schemas({"$comment": "nothing", "Required": ["name"]}), "schemas.application/json"),
        (schemas({"type": "nosuch"}), "schemas.application/json"),
        (schemas({"$ref": "http://127.0.0.1:9/x.json"}), "schemas.application/json"),
        (schemas({"$ref": "file:///etc/passwd"}), "schemas.application/json"),
        (schemas({"$ref": "other.json"}), "schemas.application/json"),
        (schemas({"$schema": "http://example.com/other", "type": "object"}), "schemas.application/json"),
        (schemas({"pattern": "(?=a)b"}), "schemas.application/json"),
        ({"schemas": {JSON: "https://example.com/schema.json"}}, "schemas.application/json"),
        ({"schemas": {JSON: "absent.json"}}, "schemas.application/json"),
        ({"schemas": {JSON: {"file": "absent.json"}}}, "schemas.application/json.file"),
        ({"schemas": {JSON: {}}}, "schemas.application/json"),
        ({"schemas": {JSON: {"file": "a", "inline": RULE}}}, "schemas.application/json"),
        ({"schemas": {JSON: "{"}}, "schemas.application/json"),
    ],
)
async def test_a_schema_that_cannot_be_used_is_an_error_of_the_configuration(
    parameters: dict[str, Any], path: str, tmp_path: Path
) -> None:
    """With its path; nothing is fetched, neither now nor when a document is compared."""
    with pytest.raises(ConfigurationError) as caught:
        await build(parameters, tmp_path)
    assert caught.value.path == path


async def test_a_schema_comes_from_a_file_a_text_or_the_configuration(tmp_path: Path) -> None:
    """A path as in Ratify v1, relative or as an address, and the text that `file:` is replaced by."""
    data = json.dumps(RULE).encode()
    (tmp_path / "schema.json").write_bytes(data)
    for source in (
        "schema.json",
        f"file://{tmp_path}/schema.json",
        data.decode(),
        {"file": "schema.json"},
        {"file": "schema.json", "sha256": hashlib.sha256(data).hexdigest()},
    ):
        parameters = {"schemas": {JSON: source}}
        assert (await judged(parameters, (JSON, b'{"name": "a"}'), base=tmp_path)).decision is Decision.ALLOW
        assert (await judged(parameters, (JSON, b"{}"), base=tmp_path)).decision is Decision.DENY


async def test_a_pinned_file_that_has_changed_is_refused(tmp_path: Path) -> None:
    """The message has both digests."""
    (tmp_path / "schema.json").write_text(json.dumps(RULE))
    with pytest.raises(ConfigurationError, match="not 0000") as caught:
        await build({"schemas": {JSON: {"file": "schema.json", "sha256": "0" * 64}}}, tmp_path)
    assert caught.value.path == "schemas.application/json.sha256"


async def test_the_schema_of_ratify_v1_accepts_its_report_and_no_other(shared: Path) -> None:
    """SARIF's own schema has an expression that is none; another schema refuses the report."""
    folder = shared / "ratify/test-testdata"
    report = (folder / "trivy_scan_report.json").read_bytes()
    good = {"schemas": {SARIF: str(folder / "sarif-2.1.0-rtm.5.json")}}
    assert (await judged(good, (SARIF, report))).decision is Decision.ALLOW
    bad = {"schemas": {SARIF: str(folder / "sourcehut-build-0.65.0.json")}}
    assert Reason.REPORT_INVALID in codes(await judged(bad, (SARIF, report)))


async def test_the_configuration_of_ratify_v1_is_accepted_as_it_is(shared: Path, tmp_path: Path) -> None:
    """Its parameters name the schema by an address of a file."""
    document = json.loads((shared / "ratify/bats-config/schemavalidator_config.json").read_text())
    found = document["verifier"]["plugins"][0]
    assert found.pop("name") == "schemavalidator"
    with pytest.raises(ConfigurationError, match="/home/runner") as caught:
        await build(found, tmp_path)
    assert caught.value.path == f"schemas.{SARIF}"


@pytest.mark.parametrize("draft", ["", "https://json-schema.org/draft/2020-12/schema"])
async def test_formats_are_compared_in_every_draft(draft: str) -> None:
    """An author who writes one means it; newer drafts leave that to the program."""
    schema = {"properties": {"time": {"format": "date-time"}}} | ({"$schema": draft} if draft else {})
    result = await judged(schemas(schema), (JSON, b'{"time": "yesterday"}'))
    assert Reason.REPORT_INVALID in codes(result)
    result = await judged(schemas(schema), (JSON, b'{"time": "2026-06-01T12:00:00Z"}'))
    assert result.decision is Decision.ALLOW
