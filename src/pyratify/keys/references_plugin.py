"""The plugin `references`: keys of services, as cosign writes references to them (`awskms://`, `hashivault://` ...)."""

from typing import Annotated

import msgspec

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.core.key import KeyMaterial, KeyProvider
from pyratify.core.plugin import Plugin, Resources
from pyratify.keys.references import check_reference, is_readable, scheme_of

ReferencesOptions = Annotated[
    tuple[Annotated[str, msgspec.Meta(min_length=1)], ...],
    msgspec.Meta(min_length=1, max_length=64, description="References as `awskms:///alias/signing`."),
]


@dataclass(frozen=True, slots=True)
class ReferencedKeys:
    """The keys of several services together.

    Attributes:
        providers: One for each reference; each is a source of its own, so that all may be read again.
    """

    providers: tuple[KeyProvider, ...]

    async def keys(self) -> tuple[KeyMaterial, ...]:
        """Return all keys; every reference has to have some.

        Raises:
            ConfigurationError: A service cannot be read, or has no such key.
        """
        return tuple([each for provider in self.providers for each in await provider.keys()])


async def build(name: str, options: tuple[str, ...], resources: Resources) -> ReferencedKeys:
    """Build the provider of each reference: the plugin that is called like its scheme.

    Raises:
        ConfigurationError: A text is no such reference, or the plugin is not installed or cannot be built.
    """
    del name
    return ReferencedKeys(tuple([await _provider(text, n, resources) for n, text in enumerate(options)]))


async def _provider(text: str, index: int, resources: Resources) -> KeyProvider:
    scheme = scheme_of(text)
    if not scheme:
        raise ConfigurationError(
            f"{text[:200]!r} is no reference to a key of a service",
            path=f"[{index}]",
            remedy="Write one with its scheme, as awskms:///alias/signing; name files below files.",
        )
    if not is_readable(text):
        # Its message says which package would read the reference.
        check_reference(text, f"[{index}]")
    return await resources.keys({scheme: {"references": [text]}}, f"[{index}]")


plugin: Plugin[ReferencedKeys] = Plugin(
    options=ReferencesOptions, build=build, summary="Keys of services, by cosign's references"
)
