"""Reads a store's listing of referrers one ahead, up to the limit."""

import asyncio
from collections.abc import AsyncIterator, Callable

from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import StoreError
from pyratify.core.isolation import end, from_store, release
from pyratify.core.ordering import Ordering
from pyratify.core.store import Referrer, closing


def _reads_all(descriptor: Descriptor) -> bool:
    del descriptor
    return True


class ReferrerLookahead:
    """Delivers referrers as futures, those of promising types first; equal entries count once.

    One task iterates over the store's generator and closes it, whatever ends it: a generator that another task closes
    while it runs stays open, and Python reports it when the event loop ends.

    Args:
        start: Starts the listing.
        limit: The most referrers that are taken.
        is_read: Returns whether a verifier reads an announced type; those come first.

    Attributes:
        error: Why the listing ended early; to be raised after the referrers before it have been examined.
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
        """Return the future of the next referrer; None after the end. Repeated calls return the same one until `take`."""
        if self._next is None and not self._ended:
            self._next = asyncio.get_running_loop().create_future()
            self._wanted.set()
            if self._task is None:
                self._task = asyncio.create_task(self._run())
        return self._next

    def take(self) -> Referrer | None:
        """Return the result of the requested future, which is done; None at the end of the listing."""
        arrived, self._next = self._next, None
        try:
            referrer = arrived.result() if arrived is not None else None
        except StoreError as error:
            release(error)  # it may never be raised, and its frames hold this object
            self.error, referrer = error, None
        self._ended = referrer is None
        return referrer

    async def __aiter__(self) -> AsyncIterator[Referrer]:
        """Iterate over what is left, without anything beside it.

        Raises:
            StoreError: Why the listing ended early, after the referrers before that.
        """
        while (request := self.request()) is not None:
            await asyncio.wait([request])
            if (referrer := self.take()) is not None:
                yield referrer
        if self.error is not None:
            raise self.error

    async def aclose(self) -> None:
        """End the listing; even where this is cancelled, the listing task closes the store's generator.

        Raises:
            StoreError: The generator could not be closed.
        """
        # Not kept: a cancelled task holds the frames that it was cancelled in, and they hold this object.
        task, self._task, self._ended = self._task, None, True
        # Cancelled first, so that the listing task cannot set a result that is never taken.
        if self._next is not None:
            self._next.cancel()
        if task is None:
            return
        await end(task)
        if task.done() and not task.cancelled() and self.error is None:
            task.result()  # raises what closing the generator raised

    async def _run(self) -> None:
        """List to the end; an error goes to the pending request, or else to `aclose`."""
        try:
            await from_store(self._list)
        except StoreError as error:
            # No request waits for it: `aclose` reads it from the task.
            if self._next is None or self._next.done():
                raise
            self._next.add_done_callback(_mark_retrieved)
            self._next.set_exception(error)
            return
        if self._next is not None and not self._next.done():
            self._next.set_result(None)

    async def _list(self) -> None:
        async with closing(self._start()) as source:
            await self._wanted.wait()
            await self._in_order(source)

    async def _in_order(self, source: AsyncIterator[Referrer]) -> None:
        """Deliver promising entries as they are listed, then the rest; a failure of the listing is raised last."""
        failure: Exception | None = None
        try:
            async for referrer in source:
                if self._ordering.comes_now(referrer):
                    await self._deliver(referrer)
                elif self._ordering.ended:
                    break
        except Exception as error:  # noqa: BLE001 - raised below
            failure = error
        # Also after a failure: what was listed before it may be enough evidence.
        for referrer in self._ordering.rest():
            await self._deliver(referrer)
        if failure is not None:
            raise failure

    async def _deliver(self, referrer: Referrer) -> None:
        """Deliver to the pending request, then wait for the next one."""
        self._wanted.clear()
        if self._next is not None and not self._next.done():
            self._next.set_result(referrer)
        await self._wanted.wait()


def _mark_retrieved(arrived: "asyncio.Future[Referrer | None]") -> None:
    """Retrieve the exception, so that asyncio does not log it where the listing is closed before `take`."""
    arrived.exception()
