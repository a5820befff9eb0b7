"""The plugin `files`: keys and certificates in files and directories."""

from typing import Annotated

import msgspec

from pyratify.core.plugin import Plugin, Resources
from pyratify.keys.documents import FileDocuments

FilesOptions = Annotated[
    tuple[Annotated[str, msgspec.Meta(min_length=1)], ...],
    msgspec.Meta(min_length=1, description="Files and directories."),
]


async def build(name: str, options: tuple[str, ...], resources: Resources) -> FileDocuments:
    """Make the provider; relative paths start at the configuration's folder.

    Raises:
        ConfigurationError: No path is named.
    """
    del name
    return FileDocuments(resources.base / path for path in options)


plugin: Plugin[FileDocuments] = Plugin(
    options=FilesOptions,
    build=build,
    summary="Keys and certificates in files and directories (PEM or DER)",
)
