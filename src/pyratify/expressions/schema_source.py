"""Where a configuration has JSON Schemas: in files, which are read once, or in itself."""

import asyncio
import hashlib
import hmac
from pathlib import Path
from typing import Annotated, Any

import msgspec

from pyratify.core import strictjson
from pyratify.core.errors import ConfigurationError
from pyratify.core.files import UnreadableFile, read_file
from pyratify.core.limits import MIB
from pyratify.core.plugin import Resources
from pyratify.expressions.json_schema import InvalidSchema, JsonSchema

_MAX_FILE = 4 * MIB
_URL = ("http:", "https:")


class SchemaOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A JSON Schema.

    Attributes:
        file: The file that holds it.
        inline: The schema itself, in place of a file.
        sha256: The digest that the file must have, in hexadecimal; without it the file is trusted as it is when it is read.
    """

    file: str = ""
    inline: dict[str, Any] | None = None
    sha256: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")] = ""


async def load_schema(options: SchemaOptions | str, path: str, resources: Resources) -> JsonSchema:
    """Read and compile a schema; what it says is part of the engine's generation.

    Args:
        options: Its source; a text is a path, a `file://` address, or the schema itself (`file:` in a configuration is replaced by
            the file's text).
        path: Where in the parameters it stands.
        resources: The folder of relative paths, and the fingerprint.

    Raises:
        ConfigurationError: There is no source or several, it cannot be read, is no schema or not the expected one.
    """
    if isinstance(options, str):
        is_text = options.lstrip().startswith("{")
        data = options.encode() if is_text else await _read(options, path, resources.base)
    elif bool(options.file) == (options.inline is not None):
        raise ConfigurationError("a schema has either a file or is inline", path=path)
    elif options.inline is not None:
        if options.sha256:
            raise ConfigurationError("sha256 is for a file", path=f"{path}.sha256", remedy="Leave it out.")
        # Back to JSON: an inline schema passes the same strict parser and fingerprint as a file.
        data = msgspec.json.encode(options.inline)
    else:
        data = await _read(options.file, f"{path}.file", resources.base)
        _check_digest(data, options.sha256, f"{path}.sha256")
    # Cached verdicts of another schema must not answer for this one.
    resources.shared.fingerprint.add("schema", data)
    return await asyncio.to_thread(_compile, data, path)


def _compile(data: bytes, path: str) -> JsonSchema:
    try:
        return JsonSchema(strictjson.loads(data, what="the schema"))
    except strictjson.InvalidJson as error:
        raise ConfigurationError(error.message, path=path, remedy="Name a file with a JSON Schema.") from None
    except InvalidSchema as error:
        raise ConfigurationError(
            f"the schema cannot be used: {error}",
            path=path,
            remedy="Write one schema that refers to no other document, with expressions without look-around.",
        ) from None
    except ImportError:
        raise ConfigurationError(
            "schemas need the package jsonschema-rs", path=path, remedy="pip install 'pyratify[schema]'"
        ) from None


def _check_digest(data: bytes, expected: str, path: str) -> None:
    found = hashlib.sha256(data).hexdigest()
    if expected and not hmac.compare_digest(found, expected):
        raise ConfigurationError(
            f"the schema has the digest {found}, not {expected}",
            path=path,
            remedy="Compare the file with the one that was pinned, and pin it again if the change is right.",
        )


async def _read(text: str, path: str, base: Path) -> bytes:
    # A fetched schema would let a remote host change what is accepted.
    if text.lower().startswith(_URL):
        raise ConfigurationError(
            f"schemas are not fetched: {text[:120]}",
            path=path,
            remedy="Save the schema as a file, and name that.",
        )
    try:
        return await asyncio.to_thread(read_file, base / text.removeprefix("file://"), _MAX_FILE)
    except UnreadableFile as error:
        raise ConfigurationError(f"{text[:200]} {error}", path=path, remedy=error.remedy) from None
