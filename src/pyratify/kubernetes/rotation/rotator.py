"""Follows the Secret, and takes care of it while the Lease is ours."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime

from pyratify.core.clock import Clock, SystemClock
from pyratify.core.isolation import describe
from pyratify.kubernetes.client.api import Api, ApiFault
from pyratify.kubernetes.rotation.authority import Lifetimes
from pyratify.kubernetes.rotation.ca_bundle import Target, tell
from pyratify.kubernetes.rotation.certificate_secret import SecretStore, Stored
from pyratify.kubernetes.rotation.leader import Held, Lease
from pyratify.kubernetes.rotation.plan import Situation, Step, World, carry_out, decide, unusable
from pyratify.kubernetes.rotation.secret_contents import Service, bundle, examine, fingerprint

_LOG = logging.getLogger("pyratify.rotation")
_SECONDS = 10.0
_SOON = 1.0
_DEADLINE = 30.0
_STEPS = 3


@dataclass(slots=True)
class Rotator:
    """One replica's part in the care for a service's certificates.

    Attributes:
        api: The API server.
        service: The service.
        targets: What tells clients whom to trust.
        use: Told every certificate that is to be served from now on, in PEM, and its key; says whether it is served now.
        identity: Who we are; no other replica has the same.
        clock: The clock.
        lifetimes: How long everything lasts.
        fault: What is not as it should be, or an empty text; what is served meanwhile is the last good certificate.
        leading: Whether the Lease was ours at the last look.
        expires: When the certificate that is served ends.
    """

    api: Api
    service: Service
    targets: tuple[Target, ...]
    use: Callable[[bytes, bytes], bool]
    identity: str
    clock: Clock = field(default_factory=SystemClock)
    lifetimes: Lifetimes = field(default_factory=Lifetimes)
    fault: str = ""
    leading: bool = False
    expires: datetime | None = None
    _serving: str = ""
    _told: tuple[str, float] = ("", 0.0)
    _conflict: bool = False
    _store: SecretStore = field(init=False)
    _lease: Lease = field(init=False)

    def __post_init__(self) -> None:
        self._store = SecretStore(self.api, self.service)
        name = f"{self.service.name}-certificates"
        self._lease = Lease(self.api, name, self.service.namespace, self.identity, self.clock)

    async def watch(self) -> None:
        """Look again and again, until cancelled; then let another replica have the Lease."""
        try:
            while True:
                await self.look()
                soon = self._conflict or not self._serving
                await self.clock.sleep(_SOON if soon else _SECONDS)
        finally:
            await self._safely(self._lease.release())

    async def look(self) -> None:
        """Read the Secret, serve what is in it, and do what there is to do while the Lease is ours.

        Nothing is raised: what went wrong is `fault`, and is tried again at the next look.
        """
        self._conflict, self.leading = False, False
        fault = await self._safely(self._look())
        if fault and fault != self.fault:
            _LOG.error("certificates are not taken care of", extra={"error": fault})
        elif self.fault and not fault:
            _LOG.info("certificates are taken care of again")
        self.fault = fault

    async def _look(self) -> str:
        stored = await self._store.read()
        fault = self._adopt(stored)
        held = await self._lease.hold(self._serving)
        self.leading = held.leading
        return await self._lead(stored, held) if held.leading else fault

    async def _safely(self, work: Coroutine[None, None, str | None]) -> str:
        """Await the work within the deadline; return its fault, or what ended it."""
        try:
            async with asyncio.timeout(_DEADLINE):
                return await work or ""
        except ApiFault as fault:
            self._conflict = fault.is_conflict
            return "" if fault.is_conflict else fault.message
        except TimeoutError:
            return "the API server did not answer in time"
        except Exception as error:  # noqa: BLE001 - whoever follows must not stop to; the last good certificate is served
            return f"unexpected {describe(error)}"

    async def _lead(self, stored: Stored, held: Held) -> str:
        """Bring the Secret, and then what clients are told, to what they should be; return what could not be."""
        adopted = held.served == {fingerprint(stored.material.certificate)[:32]}
        for _ in range(_STEPS):
            at = self._situation(stored, adopted=adopted)
            decision = decide(at)
            if decision.step in (Step.KEEP, Step.LEAVE):
                break
            stored = await self._store.write(stored, carry_out(decision.step, at))
            _LOG.info("certificates", extra={"step": decision.step.value, "why": decision.why})
            self._adopt(stored)
            adopted = False
        fault = self._adopt(stored)
        return "; ".join(part for part in (fault, *await self._tell(stored)) if part)

    def _situation(self, stored: Stored, *, adopted: bool) -> Situation:
        told, since = self._told
        known = told == fingerprint(stored.material.authorities)
        settled = self.clock.monotonic() - since >= self.lifetimes.settle.total_seconds()
        return Situation(
            material=stored.material,
            service=self.service,
            now=self.clock.now(),
            world=World(announced=known and settled, adopted=adopted),
            lifetimes=self.lifetimes,
        )

    async def _tell(self, stored: Stored) -> tuple[str, ...]:
        """Tell clients whom to trust: those who signed what is served, and nobody while nothing is known of that."""
        found = examine(stored.material)
        if found.issuer is None:
            return ()
        told = await tell(self.api, self.targets, bundle(found.trusted))
        now = fingerprint(stored.material.authorities)
        if told.faults:
            self._told = ("", 0.0)
        elif not told.unchanged or self._told[0] != now:
            self._told = (now, self.clock.monotonic())
        return told.faults

    def _adopt(self, stored: Stored) -> str:
        """Have the certificate served that was read, if it can be; return why it cannot."""
        found = examine(stored.material)
        why = unusable(found, self.clock.now())
        if why or found.leaf is None:
            return f"{self._store}: {why}"
        new = fingerprint(stored.material.certificate)
        if new != self._serving:
            if not self.use(stored.material.certificate, stored.material.key):
                return f"{self._store}: its certificate could not be used"
            self._serving, self.expires = new, found.leaf.ends
        return ""
