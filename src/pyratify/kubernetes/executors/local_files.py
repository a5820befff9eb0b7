"""Find the local files that a configuration names, or inline them, because a cluster does not have them."""

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pyratify.config.locations import join
from pyratify.core.errors import ConfigurationError
from pyratify.core.files import UnreadableFile, read_file
from pyratify.core.key import KeyMaterial
from pyratify.expressions.language import MAX_TEXT
from pyratify.keys.documents import FileDocuments

_PATHS = frozenset(
    {
        "files",
        "file",
        "caFile",
        "clientCertFile",
        "clientKeyFile",
        "trustedRoot",
        "fulcioCertificates",
        "trustPolicy",
        "trustStore",
        "path",
        "policyPath",
        "folder",
    }
)
_POLICY = "policyPath"
_NO_FILES = frozenset(
    {"", "public-good", "staging", "github"}
)  # the built-in roots are values of the same parameter


def local_files(document: Any, path: str = "", *, inside: bool = False) -> Iterator[tuple[str, str]]:
    """Iterate over the files that parameters name, each with the path of the parameter.

    Args:
        document: JSON values.
        path: The path of the document within the configuration.
        inside: Whether it is below parameters.
    """
    if isinstance(document, Mapping):
        for key, value in document.items():
            place = join(path, str(key))
            if inside and key in _PATHS:
                yield from _texts(value, place)
            elif inside and key == "schemas" and isinstance(value, Mapping):
                yield from _schemas(value, place)
            else:
                yield from local_files(value, place, inside=inside or key == "parameters")
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield from local_files(value, f"{path}[{index}]", inside=inside)


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        if value not in _NO_FILES and not value.startswith(("https://", "github:")):
            yield place, value
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _texts(each, f"{place}[{index}]")
    elif isinstance(value, Mapping) and isinstance(value.get("path"), str):
        yield from _texts(value["path"], f"{place}.path")


def _schemas(value: Mapping[str, Any], place: str) -> Iterator[tuple[str, str]]:
    """Iterate over the files of schemas, which are named by the media types of documents."""
    for media_type, source in value.items():
        where = f"{place}.{media_type}"
        if isinstance(source, Mapping):
            yield from _texts(source.get("file"), f"{where}.file")
        elif isinstance(source, str) and not source.lstrip().startswith("{"):
            yield from _texts(source, where)


async def inlined(document: Any, base: Path, parent: str = "") -> Any:
    """Return the document with the keys and certificates that the provider `files` reads as texts of the provider `inline`, and policies as texts.

    Where the keys have different periods, which one text cannot have, they stay files.

    Args:
        document: JSON values.
        base: The folder that relative paths start from.
        parent: The key of the document.

    Raises:
        ConfigurationError: A file cannot be read, holds a private key, or a policy is no text.
    """
    if isinstance(document, list):
        return [await inlined(each, base, parent) for each in document]
    if not isinstance(document, dict):
        return document
    found = {key: await inlined(value, base, key) for key, value in document.items()}
    if isinstance(found.get(_POLICY), str) and not found.get("policy"):
        found["policy"] = _policy(base / found.pop(_POLICY))
    period = _period(found.get("files"))
    # A provider has one text, which may be there already; VEX documents are no keys.
    if period is None or "inline" in found or parent == "vex":
        return found
    paths = [base / _path(each) for each in found.pop("files")]
    text = "".join(_pem(each) for each in await FileDocuments(paths).keys())
    return {**found, "inline": {"keys" if parent == "keys" else "certs": text, **period}}


def _policy(path: Path) -> str:
    try:
        return read_file(path, MAX_TEXT).decode()
    except UnreadableFile as error:
        raise ConfigurationError(f"{path} {error}", path=_POLICY, remedy=error.remedy) from None
    except UnicodeDecodeError:
        raise ConfigurationError(
            f"{path} is no text in UTF-8", path=_POLICY, remedy="Name a file with a policy in Rego."
        ) from None


def _period(files: Any) -> dict[str, str] | None:
    """Return the period that all files have in common; None where they have none, or are not files of a provider."""
    if not isinstance(files, list) or not files or not all(isinstance(_path(each), str) for each in files):
        return None
    found = [
        {name: each[name] for name in ("notBefore", "notAfter") if name in each}
        if isinstance(each, dict)
        else {}
        for each in files
    ]
    return found[0] if all(each == found[0] for each in found) else None


def _path(file: Any) -> Any:
    return file.get("path") if isinstance(file, dict) else file


def _pem(material: KeyMaterial) -> str:
    if b"-----BEGIN" in material.data:
        return material.data.decode("utf-8").rstrip("\r\n") + "\n"
    from pyratify.pki.public_keys import load_public_keys

    # DER does not say what it holds, and the provider `inline` reads PEM.
    label = "PUBLIC KEY" if load_public_keys(material) else "CERTIFICATE"
    body = base64.encodebytes(material.data).decode("ascii")
    return f"-----BEGIN {label}-----\n{body}-----END {label}-----\n"
