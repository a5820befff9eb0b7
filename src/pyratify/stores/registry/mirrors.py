"""Reading over several hosts: mirrors in order, then the registry itself; and over the repository of signatures."""

from collections.abc import Callable
from typing import TypeVar

from pyratify.core.errors import StoreError
from pyratify.core.offload import offload
from pyratify.core.reference import Reference
from pyratify.http.transport import Response
from pyratify.stores.registry.client import Read, RegistryClient
from pyratify.stores.registry.registry_options import RegistryOptions

T = TypeVar("T")


class Reader:
    """Reads what a reference's repository holds, wherever it is held.

    Args:
        client: Makes the single reads.
        options: The store's settings.
    """

    def __init__(self, client: RegistryClient, options: RegistryOptions) -> None:
        self._client = client
        self._mirrors = options.mirrors
        self._signatures = options.signatures

    def attached_to(self, reference: Reference) -> Reference:
        """Return where what is attached to a digest is listed."""
        if self._signatures is None or reference.digest is None:
            return reference
        return self._signatures.at(reference.digest)

    def hosts(self, reference: Reference) -> tuple[str, ...]:
        """Return where a reference is read: the mirrors in order, then its registry."""
        if self._signatures is not None and self._signatures.name == reference.name:
            return (reference.registry,)
        return (*(mirror for mirror in self._mirrors if mirror != reference.registry), reference.registry)

    async def first(self, reads: tuple[Read, ...], accept: Callable[[Read, Response], T]) -> T | None:
        """Return what is made of the first answer with content; None when the last host has none.

        What a mirror lacks, or delivers wrongly, is read from the next host.

        Args:
            reads: The same read at each host.
            accept: Checks an answer and makes something of it, or raises `StoreError`; a large one in a thread.

        Raises:
            StoreError: Why the last host did not deliver.
        """
        for read in reads[:-1]:
            try:
                response = await self._client.get(read)
                if response.status == 200:
                    return await offload(len(response.body), accept, read, response)
            except StoreError:
                continue
        response = await self._client.get(reads[-1])
        if response.status != 200:
            return None
        return await offload(len(response.body), accept, reads[-1], response)

    def reads(
        self,
        reference: Reference,
        path: str,
        what: str,
        *,
        accept: str,
        limit: int,
        expected: int | None = None,
    ) -> tuple[Read, ...]:
        """Return the same read at each host."""
        return tuple(
            Read(
                registry=host,
                repository=reference.repository,
                path=path,
                what=what,
                accept=accept,
                limit=limit,
                expected=expected,
            )
            for host in self.hosts(reference)
        )

    def everywhere(
        self, reference: Reference, path: str, what: str, *, accept: str, limit: int, expected: int
    ) -> tuple[Read, ...]:
        """Return the read of something that is named by digest, first where signatures are, then with its image."""
        attached = self.attached_to(reference)
        places = (reference,) if attached.name == reference.name else (attached, reference)
        found = (
            self.reads(each, path, what, accept=accept, limit=limit, expected=expected) for each in places
        )
        return tuple(read for reads in found for read in reads)
