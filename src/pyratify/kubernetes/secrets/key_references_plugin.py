"""The plugin `k8s` for keys: Secrets of a cluster, as cosign writes references to them (`k8s://NAMESPACE/NAME`)."""

import re
from typing import Annotated

import msgspec

from pyratify.core.errors import ConfigurationError
from pyratify.core.key import KeyMaterial
from pyratify.core.plugin import Plugin, Resources
from pyratify.core.reason import Reason
from pyratify.kubernetes.secrets.keys_plugin import SecretDocuments
from pyratify.kubernetes.secrets.secret_reader import ClusterResources, SecretReader, reader_of

_REFERENCE = re.compile(r"k8s://(?P<namespace>[a-z0-9][-a-z0-9]{0,62})/(?P<name>[a-z0-9][-a-z0-9.]{0,252})")
_ENTRY = "cosign.pub"  # the private half and its password lie beside it (cosign, `generate-key-pair k8s://`)


class ReferenceOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Parameters of the provider.

    Attributes:
        references: Secrets, as `k8s://NAMESPACE/NAME`; their entry `cosign.pub` counts.
    """

    references: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=64)]


class SeveralSecrets:
    """The public keys of several Secrets, as they were read.

    Args:
        documents: One for each.
    """

    def __init__(self, documents: tuple[SecretDocuments, ...]) -> None:
        self._documents = documents

    async def keys(self) -> tuple[KeyMaterial, ...]:
        """Return all keys; errors as in `SecretDocuments.keys`."""
        return tuple([each for documents in self._documents for each in await documents.keys()])


async def build(name: str, options: ReferenceOptions, resources: Resources) -> SeveralSecrets:
    """Read the Secrets: with the rights of the executor in a cluster, else with those of the kubeconfig.

    Raises:
        ConfigurationError: A reference that is none, or `KEY_UNAVAILABLE`: a Secret that cannot be read.
    """
    del name
    wanted = [_parse(text, index) for index, text in enumerate(options.references)]
    # An executor's own reader bounds what it may name; the kubeconfig is that of a person.
    if isinstance(resources, ClusterResources):
        return await _read(reader_of(resources), wanted)
    # Lazy: the client of the API server is an extra.
    try:
        from pyratify.kubernetes.client.api import Api
    except ImportError:
        raise ConfigurationError(
            "keys in Secrets of a cluster need lightkube",
            reason=Reason.KEY_UNAVAILABLE,
            remedy="Install it: pip install 'pyratify[kubernetes]'.",
        ) from None
    api = Api.connect()
    try:
        return await _read(SecretReader(api, api.namespace, tenant=False), wanted)
    finally:
        await api.aclose()


async def _read(reader: SecretReader, wanted: list[tuple[str, str]]) -> SeveralSecrets:
    documents = []
    for namespace, name in wanted:
        found = SecretDocuments(await reader.read(name, namespace), _ENTRY)
        await found.keys()  # now, because an error at build time has the path of the parameter
        documents.append(found)
    return SeveralSecrets(tuple(documents))


def _parse(text: str, index: int) -> tuple[str, str]:
    found = _REFERENCE.fullmatch(text)
    if found is None:
        raise ConfigurationError(
            f"{text[:200]!r} is no reference to a Secret",
            path=f"references[{index}]",
            reason=Reason.KEY_UNAVAILABLE,
            remedy="Write k8s://NAMESPACE/NAME.",
        )
    return found["namespace"], found["name"]


plugin: Plugin[SeveralSecrets] = Plugin(
    options=ReferenceOptions, build=build, summary="Keys in Secrets of a cluster, by cosign's references"
)
