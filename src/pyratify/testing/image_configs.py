"""Images with a configuration, for tests of policies that read what an image says of itself."""

import json
from collections.abc import Mapping
from typing import Any

from pyratify.core.descriptor import Descriptor
from pyratify.testing.memory import MemoryStore, make_manifest

CONFIG = "application/vnd.oci.image.config.v1+json"


def add_configured_image(
    store: MemoryStore,
    config: Mapping[str, Any] | None = None,
    *,
    architecture: str = "amd64",
    tag: str | None = "v1",
    document: object = None,
    config_type: str = CONFIG,
) -> Descriptor:
    """Keep an image with a configuration and return what it is.

    Args:
        store: Where.
        config: The member `config`, as `{"User": "1000"}`.
        architecture: The architecture it says it is for.
        tag: The tag.
        document: The whole configuration, in place of one that is made.
        config_type: Its media type.
    """
    whole = {"os": "linux", "architecture": architecture, "created": "2026-05-01T00:00:00Z"}
    made = {**whole, "config": dict(config or {}), "rootfs": {"type": "layers", "diff_ids": []}}
    data = json.dumps(made if document is None else document).encode()
    layer = store.add_blob(b"layer", "application/vnd.oci.image.layer.v1.tar")
    manifest = make_manifest(config=store.add_blob(data, config_type), layers=[layer])
    return store.add_manifest(manifest, tag=tag)
