"""The schema verifier as a plugin, with the parameters of Ratify v1's `schemavalidator`."""

from typing import Annotated

import msgspec

from pyratify.core.plugin import Plugin, Resources
from pyratify.expressions.schema_source import SchemaOptions, load_schema
from pyratify.verifiers.attached_documents import read_types
from pyratify.verifiers.schema.schema_verifier import SchemaVerifier


class SchemaVerifierOptions(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """The parameters of a verifier of type `schema`.

    Attributes:
        schemas: The schema for each media type of layers: a file, or `file` with `sha256`, or `inline`.
        artifact_types: The types of artifacts that are compared, a list or a text with commas; when omitted those with a layer of one
            of the media types.
    """

    schemas: Annotated[dict[str, SchemaOptions | str], msgspec.Meta(min_length=1)]
    artifact_types: tuple[str, ...] | str = ()


async def build(name: str, options: SchemaVerifierOptions, resources: Resources) -> SchemaVerifier:
    """Build the verifier and compile its schemas.

    Raises:
        ConfigurationError: A schema cannot be read or used, with the path below the verifier's parameters.
    """
    schemas = {
        media_type: await load_schema(source, f"schemas.{media_type}", resources)
        for media_type, source in options.schemas.items()
    }
    return SchemaVerifier(name, schemas, read_types(options.artifact_types))


plugin = Plugin(
    options=SchemaVerifierOptions,
    build=build,
    summary="Documents of any type, compared with JSON Schemas",
    traced=True,
    cosign_tags=(),
    signs=False,  # counts only below a signature, unless a rule says otherwise (decision 0048)
)
