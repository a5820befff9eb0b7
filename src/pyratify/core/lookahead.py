"""A store's listing of referrers, asked one referrer ahead and never further than the limit."""

import asyncio
from collections.abc import AsyncIterator, Callable

from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import StoreError
from pyratify.core.isolation import end, from_store
from pyratify.core.ordering import Ordering
from pyratify.core.store import Referrer


def _reads_all(descriptor: Descriptor) -> bool:
    del descriptor
    return True


class ReferrerLookahead:
    """Can be asked for its next referrer without waiting for it; entries that say the same count once.

    One task iterates over the store's generator and closes it, whatever ends it: a generator that another task closes
    while it runs stays open, and Python reports it when the event loop ends.

    Args:
        start: Begins the listing.
        limit: The most referrers that are taken.
        is_read: Tells whether an announced type is one that a verifier reads; those come first.

    Attributes:
        error: Why the listing ended early; to be raised once what came before it has been looked at.
    """

    def __init__(
        self,
        start: Callable[[], AsyncIterator[Referrer]],
        limit: int,
        is_read: Callable[[Descriptor], bool] = _reads_all,
    ) -> None:
        self._start = start
        self._task: asyncio.Task[None] | None = None
        self._next: asyncio.Future[Referrer | None] | None = None
        self._wanted = asyncio.Event()
        self._ordering = Ordering(limit, is_read)
        self._ended = False
        self.error: StoreError | None = None

    @property
    def over(self) -> bool:
        """Whether more are listed than the limit; known once the listing has ended."""
        return self._ordering.over

    def request(self) -> "asyncio.Future[Referrer | None] | None":
        """Return the future that brings the next referrer; None when there is none."""
        if self._next is None and not self._ended:
            self._next = asyncio.get_running_loop().create_future()
            self._wanted.set()
            if self._task is None:
                self._task = asyncio.create_task(self._run())
        return self._next

    def take(self) -> Referrer | None:
        """Return the referrer that was requested, which has arrived; None where the listing ends."""
        arrived, self._next = self._next, None
        try:
            referrer = arrived.result() if arrived is not None else None
        except StoreError as error:
            self.error, referrer = error, None
        self._ended = referrer is None
        return referrer

    async def aclose(self) -> None:
        """End the listing; where this is cancelled, the task that lists still closes the store's generator.

        Raises:
            StoreError: The generator could not be closed.
        """
        task, self._ended = self._task, True
        if self._next is not None:
            self._next.cancel()
        if task is None:
            return
        await end(task)
        if task.done() and not task.cancelled() and self.error is None:
            task.result()

    async def _run(self) -> None:
        """List until there is no more; an error goes to the request that waits, or else to `aclose`."""
        try:
            await from_store(self._list)
        except StoreError as error:
            if self._next is None or self._next.done():
                raise
            self._next.add_done_callback(_retrieve)
            self._next.set_exception(error)
            return
        if self._next is not None and not self._next.done():
            self._next.set_result(None)

    async def _list(self) -> None:
        source = self._start()
        try:
            await self._wanted.wait()
            await self._in_order(source)
        finally:
            close = getattr(source, "aclose", None)
            if close is not None:
                await close()

    async def _in_order(self, source: AsyncIterator[Referrer]) -> None:
        """Bring what comes first while it is listed, then the rest; why the listing failed is raised last."""
        failure: Exception | None = None
        try:
            async for referrer in source:
                if self._ordering.comes_now(referrer):
                    await self._bring(referrer)
                elif self._ordering.ended:
                    break
        except Exception as error:  # noqa: BLE001 - raised below
            failure = error
        for referrer in self._ordering.rest():
            await self._bring(referrer)
        if failure is not None:
            raise failure

    async def _bring(self, referrer: Referrer) -> None:
        """Answer the request that waits, then wait for the next one."""
        self._wanted.clear()
        if self._next is not None and not self._next.done():
            self._next.set_result(referrer)
        await self._wanted.wait()


def _retrieve(arrived: "asyncio.Future[Referrer | None]") -> None:
    """Take note of an error, so that Python does not report it where the listing is closed before it is taken."""
    arrived.exception()
