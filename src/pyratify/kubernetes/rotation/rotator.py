"""Serve the certificate of the Secret, and renew it while this replica holds the Lease."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import field
from datetime import datetime

from pyratify.core.clock import Clock, SystemClock
from pyratify.core.dataclass import dataclass
from pyratify.core.isolation import describe
from pyratify.kubernetes.client.api import Api, ApiFault
from pyratify.kubernetes.rotation.authority import Lifetimes
from pyratify.kubernetes.rotation.ca_bundle import CaBundleTarget, update_ca_bundles
from pyratify.kubernetes.rotation.certificate_secret import SecretStore, StoredSecret
from pyratify.kubernetes.rotation.leader import LeaderLease, LeaseState
from pyratify.kubernetes.rotation.plan import ClusterState, Situation, Step, carry_out, decide, unusable
from pyratify.kubernetes.rotation.secret_contents import ServiceNames, bundle, examine, fingerprint

_LOG = logging.getLogger("pyratify.rotation")
_SECONDS = 10.0
_SOON = 1.0
_STEPS = 3


@dataclass(slots=True)
class Rotator:
    """Rotates a service's certificates, as one of its replicas.

    Attributes:
        api: The API server.
        service: The service.
        targets: Resources whose `caBundle` makes clients trust the authorities.
        serve: Called with a new certificate and its key, in PEM; returns whether it is served now.
        identity: The holder of the Lease; unique among replicas.
        clock: Wall time for certificates, monotonic time for everything else.
        lifetimes: Periods of certificates and of their renewal.
        deadline: Seconds for one check.
        fault: Why the last check failed, or an empty text; the last good certificate is served meanwhile.
        leading: Whether this replica held the Lease at the last check.
        expires: The end of the certificate that is served.
        serving: The fingerprint of the certificate that is served.
    """

    api: Api
    service: ServiceNames
    targets: tuple[CaBundleTarget, ...]
    serve: Callable[[bytes, bytes], bool]
    identity: str
    clock: Clock = field(default_factory=SystemClock)
    lifetimes: Lifetimes = field(default_factory=Lifetimes)
    deadline: float = 30.0
    fault: str = ""
    leading: bool = False
    expires: datetime | None = None
    serving: str = ""
    _announced: tuple[str, float] = ("", 0.0)
    _conflict: bool = False
    _store: SecretStore = field(init=False)
    _lease: LeaderLease = field(init=False)

    def __post_init__(self) -> None:
        self._store = SecretStore(self.api, self.service)
        name = f"{self.service.name}-certificates"
        self._lease = LeaderLease(self.api, name, self.service.namespace, self.identity, self.clock)

    async def watch(self) -> None:
        """Check periodically until cancelled; then release the Lease."""
        try:
            while True:
                await self.check()
                soon = self._conflict or not self.serving
                await self.clock.sleep(_SOON if soon else _SECONDS)
        finally:
            await self._within_deadline(self._lease.release())

    async def check(self) -> None:
        """Read the Secret, serve its certificate, and renew it while this replica holds the Lease.

        Raises nothing: `fault` has the reason, and the next check tries again.
        """
        self._conflict, self.leading = False, False
        fault = await self._within_deadline(self._check())
        if fault and fault != self.fault:
            _LOG.error("certificates cannot be rotated", extra={"error": fault})
        elif self.fault and not fault:
            _LOG.info("certificates are rotated again")
        self.fault = fault

    async def _check(self) -> str:
        stored = await self._store.read()
        fault = self._serve_stored(stored)
        # After serving: every replica serves, and notes in the Lease what it serves by now.
        held = await self._lease.hold(self.serving)
        self.leading = held.leading
        return await self._lead(stored, held) if held.leading else fault

    async def _within_deadline(self, work: Coroutine[None, None, str | None]) -> str:
        """Await the work within the deadline; return its fault, or the error that ended it.

        A conflict is no fault: another replica was faster, and the next check reads its result.
        """
        try:
            async with asyncio.timeout(self.deadline):
                return await work or ""
        except ApiFault as fault:
            self._conflict = fault.is_conflict
            return "" if fault.is_conflict else fault.message
        except TimeoutError:
            return "the API server did not answer in time"
        except Exception as error:  # noqa: BLE001 - checks must go on; the last good certificate is served
            return f"unexpected {describe(error)}"

    async def _lead(self, stored: StoredSecret, held: LeaseState) -> str:
        """Update the Secret, then the bundles; return why one of them could not be updated."""
        # Notes have 32 digits of it; a different one means that some replica still serves an older leaf.
        adopted = held.served == {fingerprint(stored.contents.certificate)[:32]}
        for _ in range(_STEPS):  # a new authority takes at most announcing, issuing and retiring
            at = self._situation(stored, adopted=adopted)
            decision = decide(at)
            if decision.step in (Step.KEEP, Step.LEAVE):
                break
            stored = await self._store.write(stored, carry_out(decision.step, at))
            _LOG.info("certificates", extra={"step": decision.step.value, "why": decision.why})
            self._serve_stored(stored)
            adopted = False  # what was written now is read by the others later
        fault = self._serve_stored(stored)
        # The Secret comes first: where a leader ends in between, the next one announces what is in it.
        return "; ".join(part for part in (fault, *await self._update_bundles(stored)) if part)

    def _situation(self, stored: StoredSecret, *, adopted: bool) -> Situation:
        told, since = self._announced
        known = told == fingerprint(stored.contents.authorities)
        settled = self.clock.monotonic() - since >= self.lifetimes.settle.total_seconds()
        return Situation(
            contents=stored.contents,
            service=self.service,
            now=self.clock.now(),
            cluster_state=ClusterState(announced=known and settled, adopted=adopted),
            lifetimes=self.lifetimes,
        )

    async def _update_bundles(self, stored: StoredSecret) -> tuple[str, ...]:
        """Write the trusted authorities into every bundle; return the faults.

        Without the issuer of the served certificate nothing is written: clients would trust none that is in use.
        """
        found = examine(stored.contents)
        if found.issuer is None:
            return ()
        update = await update_ca_bundles(self.api, self.targets, bundle(found.trusted))
        now = fingerprint(stored.contents.authorities)
        if update.faults:
            self._announced = ("", 0.0)  # the settling time begins anew
        elif not update.unchanged or self._announced[0] != now:
            self._announced = (now, self.clock.monotonic())
        return update.faults

    def _serve_stored(self, stored: StoredSecret) -> str:
        """Serve the certificate that was read; return why it cannot be served, or an empty text."""
        found = examine(stored.contents)
        why = unusable(found, self.clock.now())
        if why or found.leaf is None:
            return f"{self._store}: {why}"
        new = fingerprint(stored.contents.certificate)
        if new != self.serving:
            if not self.serve(stored.contents.certificate, stored.contents.key):
                return f"{self._store}: its certificate could not be used"
            self.serving, self.expires = new, found.leaf.ends
        return ""
