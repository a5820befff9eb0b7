"""The statements of an artifact that accepted signers made, for what is read beside the evidence itself."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import StoreError, VerificationError
from pyratify.core.offload import offload
from pyratify.core.verifier import Evidence
from pyratify.sigstore.attached_statements import AttachedStatement, read_layer
from pyratify.sigstore.authenticator import Authenticator
from pyratify.sigstore.budget import Budget
from pyratify.sigstore.statement_envelopes import SignedStatement
from pyratify.sigstore.statement_formats import holds_statements, is_signature
from pyratify.sigstore.statement_reader import (
    check_subject_and_annotations,
    read_signed_statement,
    subject_of,
)
from pyratify.sigstore.trust_policy import TrustPolicy

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AcceptedSigners:
    """Whose statements count for one repository.

    Attributes:
        policy: What they must have signed.
        authenticator: Authenticates them.
    """

    policy: TrustPolicy
    authenticator: Authenticator

    async def read(
        self,
        read: Callable[[SignedStatement], T | None],
        evidence: Evidence,
        *,
        in_part: Callable[[T], T] | None = None,
    ) -> tuple[T, ...] | None:
        """Return what is read from each statement about the subject; those of other signers, and what is None, are left out.

        Args:
            read: Reads one statement; in a thread where it is large.
            evidence: The artifact.
            in_part: Returns what still counts of a statement where others of the artifact were not read; all of it when omitted.

        Raises:
            StoreError: A layer could not be read, through no fault of its publisher.
        """
        manifest = evidence.manifest
        if manifest.is_index or not holds_statements(manifest) or is_signature(manifest.annotations):
            return None
        # As where they are evidence themselves: each layer costs a request, and their number is a publisher's choice.
        if len(manifest.layers) > evidence.content.limits.signatures:
            return None
        budget, found, is_cut = Budget(), [], False
        try:
            for layer in manifest.layers:
                attached = await _attached(evidence, layer)
                is_cut = is_cut or attached is None
                found += [await self._statement(each, read, evidence, budget) for each in attached or ()]
            is_cut = is_cut or budget.is_exceeded
        finally:
            budget.end()
        known = (each for each in found if each is not None)
        return tuple(map(in_part, known) if is_cut and in_part is not None else known)

    async def _statement(
        self,
        attached: AttachedStatement,
        read: Callable[[SignedStatement], T | None],
        evidence: Evidence,
        budget: Budget,
    ) -> T | None:
        if attached.line is not None:  # others' turn, as in `judge_statements`
            await asyncio.sleep(0)
        try:
            signed = await read_signed_statement(evidence, attached, self.authenticator, budget)
            check_subject_and_annotations(signed, await subject_of(evidence, signed), self.policy)
        # Anything may be attached: what another signer made must not hide the rest.
        except VerificationError:
            return None
        except StoreError as error:
            _raise_gap(error)
            return None
        return await offload(len(attached.raw), read, signed)


async def _attached(evidence: Evidence, layer: Descriptor) -> tuple[AttachedStatement, ...] | None:
    """Return what a layer holds; None where that is unknown: more than is tried, too large, or never pushed."""
    try:
        return await read_layer(evidence, layer)
    except VerificationError:
        return None
    except StoreError as error:
        _raise_gap(error)
        return None


def _raise_gap(error: StoreError) -> None:
    # What is unread may take a statement back; what its publisher broke does not count.
    if error.reason.is_gap:
        raise error
