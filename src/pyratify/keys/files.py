"""The plugin `files`: keys and certificates in files and directories."""

from pathlib import Path
from typing import Annotated

import msgspec

from pyratify.core.errors import ConfigurationError
from pyratify.core.key import ALWAYS, Validity
from pyratify.core.plugin import Plugin, Resources
from pyratify.keys.documents import FileDocuments, read_period
from pyratify.keys.references import check_reference

PathText = Annotated[str, msgspec.Meta(min_length=1)]


# Certificates carry a period themselves; a bare key has none, so it is given here.
class KeyFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Keys that are trusted for a period.

    Attributes:
        path: The file or directory.
        not_before: From when on signatures by its keys count, as `2026-01-31T00:00:00Z`.
        not_after: Until when they do.
    """

    path: PathText
    not_before: str = ""
    not_after: str = ""


FilesOptions = Annotated[
    tuple[PathText | KeyFile, ...],
    msgspec.Meta(min_length=1, description="Files and directories, keys perhaps with a period."),
]


async def build(name: str, options: tuple[str | KeyFile, ...], resources: Resources) -> FileDocuments:
    """Make the provider; relative paths start at the configuration's folder.

    Raises:
        ConfigurationError: No path is named, one is named twice with different periods, or a period is none; a key is named that a plugin would have to read.
    """
    del name
    names = [each.path if isinstance(each, KeyFile) else each for each in options]
    paths = tuple(resources.base / each for each in names)
    for text, path in zip(names, paths, strict=True):
        # A file may be called `pkcs11:x`; only a path that leads nowhere can be such a reference.
        if not path.exists():
            check_reference(text, "files")
    periods: dict[Path, Validity] = {}
    for index, each in enumerate(options):
        validity = _period(each, index)
        # Two periods for one file: the wider one would silently win or lose, by the order of the list.
        if periods.setdefault(paths[index], validity) != validity:
            raise ConfigurationError(
                "named before with another period",
                path=f"[{index}]",
                remedy="Name it once, with the period that is meant.",
            )
    named = {path: validity for path, validity in periods.items() if validity != ALWAYS}
    return FileDocuments(paths, periods=named)


def _period(each: str | KeyFile, index: int) -> Validity:
    if not isinstance(each, KeyFile):
        return ALWAYS
    try:
        return read_period(each.not_before, each.not_after)
    except ConfigurationError as error:
        # The index leads to the line of the file; read_period knows the field only.
        raise ConfigurationError(error.detail, path=f"[{index}].{error.path}", remedy=error.remedy) from None


plugin: Plugin[FileDocuments] = Plugin(
    options=FilesOptions,
    build=build,
    summary="Keys and certificates in files and directories (PEM or DER)",
)
