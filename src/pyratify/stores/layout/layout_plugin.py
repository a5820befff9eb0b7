"""The plugin `filesystem-oci-store`: an OCI image layout in a directory or a tar archive."""

import msgspec

from pyratify.core.errors import ConfigurationError, StoreError
from pyratify.core.plugin import Plugin, Resources
from pyratify.core.store import Store
from pyratify.stores.layout.layout_store import LayoutStore


class LayoutOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Parameters of the store.

    Attributes:
        path: The directory or the uncompressed tar archive; a relative one starts at the configuration's folder.
        allow_bare_tags: Whether the tag alone finds an image, whatever repository the reference names.
        allow_cosign_tag: Whether what cosign's tags name is listed too.
    """

    path: str
    allow_bare_tags: bool = False
    allow_cosign_tag: bool = True


async def build(name: str, options: LayoutOptions, resources: Resources) -> Store:
    """Make the store and read its index once.

    Raises:
        ConfigurationError: The path is no OCI image layout.
    """
    del name
    if not options.path:
        raise ConfigurationError("the path is empty", path="path")
    store = LayoutStore(
        resources.base / options.path,
        allow_bare_tags=options.allow_bare_tags,
        allow_cosign_tag=options.allow_cosign_tag,
    )
    try:
        await store.open()
    except StoreError as error:
        raise ConfigurationError(error.message, path="path", remedy=error.remedy) from None
    return store


plugin: Plugin[Store] = Plugin(
    options=LayoutOptions, build=build, summary="An OCI image layout in a directory or a tar archive"
)
