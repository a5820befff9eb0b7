"""The verifier that compares every document of an artifact with the JSON Schema for its media type."""

from collections.abc import Mapping

from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import VerificationError
from pyratify.core.limits import MIB
from pyratify.core.manifest import Manifest
from pyratify.core.offload import offload
from pyratify.core.reason import Reason
from pyratify.core.strictjson import InvalidJson, loads
from pyratify.core.verifier import Details, Evidence
from pyratify.expressions.json_schema import JsonSchema
from pyratify.verifiers.attached_documents import documents_of, plain_type

_MAX_BYTES = 16 * MIB
_MAX_TOKENS = 300_000  # the library holds the interpreter while it compares: some 50 ms for so many
_MOST = 20  # documents of one artifact


class SchemaVerifier:
    """Compares documents with schemas; a media type without one is refused.

    It says nothing about who made them: a policy asks for that with rules for what is attached to the artifact.

    Args:
        name: The name by which policies refer to it.
        schemas: The schemas, by the media types of layers.
        artifact_types: The types of artifacts that are compared; those with a layer of one of the media types when empty.
    """

    def __init__(
        self, name: str, schemas: Mapping[str, JsonSchema], artifact_types: frozenset[str] = frozenset()
    ) -> None:
        self.name = name
        self._schemas = dict(schemas)
        self._types = artifact_types

    def accepts(self, manifest: Manifest) -> bool:
        """Accept artifacts of the types, or with a layer for which there is a schema."""
        if manifest.is_index:
            return False
        if self._types:
            return plain_type(manifest.artifact_type) in self._types
        return any(each.media_type in self._schemas for each in manifest.layers)

    async def verify(self, evidence: Evidence) -> Details:
        """Compare every document.

        Raises:
            VerificationError: `REPORT_INVALID`, `MEDIATYPE_UNSUPPORTED` for a layer without a schema, `PARSE_LIMIT` or a JSON code.
            StoreError: One could not be read.
        """
        layers = documents_of(evidence.manifest)
        if not layers:
            raise VerificationError(Reason.REPORT_INVALID, "the artifact has no document")
        if len(layers) > _MOST:
            raise VerificationError(
                Reason.PARSE_LIMIT, f"the artifact has {len(layers)} documents, more than the {_MOST} allowed"
            )
        # Before anything is read: the schema is chosen by the checked manifest, never by the document's `$schema`.
        chosen = [(layer, self._schema(layer)) for layer in layers]
        for layer, schema in chosen:
            data = await evidence.blob(layer, most=_MAX_BYTES)
            await offload(len(data), _check, data, schema, layer)
        types = list(dict.fromkeys(layer.media_type for layer in layers))
        return Details(
            f"{len(layers)} {'document follows its schema' if len(layers) == 1 else 'documents follow their schemas'}",
            data={"documents": len(layers), "mediaTypes": types},
        )

    def _schema(self, layer: Descriptor) -> JsonSchema:
        found = self._schemas.get(layer.media_type)
        if found is None:
            raise VerificationError(
                Reason.MEDIATYPE_UNSUPPORTED,
                f"there is no schema for documents of type {layer.media_type[:120]!r}",
                remedy=f"Attach documents of the types {', '.join(sorted(self._schemas))[:300]}, or add a schema for this one.",
            )
        return found


def _check(data: bytes, schema: JsonSchema, layer: Descriptor) -> None:
    try:
        value = loads(data, what="document", max_bytes=_MAX_BYTES, max_tokens=_MAX_TOKENS)
    except InvalidJson as error:
        raise VerificationError(error.reason, error.message) from None
    fault = schema.fault(value)
    if fault is not None:
        raise VerificationError(
            Reason.REPORT_INVALID,
            f"the document of type {layer.media_type[:120]} does not follow its schema: {fault}",
        )
