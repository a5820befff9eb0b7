"""Lists and checks trust policies and trust stores, so that faults are found before a verification fails."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError, RatifyError, VerificationError
from pyratify.core.key import KeyMaterial
from pyratify.core.reason import Reason
from pyratify.pki.certificates import Certificate, load_certificates
from pyratify.pki.chain import check_strength
from pyratify.pki.times import format_time
from pyratify.verifiers.notation.trust_anchors import load_anchors
from pyratify.verifiers.notation.trust_policy import (
    SKIP_LEVEL,
    STORE_TYPES,
    Action,
    Check,
    StoreName,
    TrustPolicy,
)
from pyratify.verifiers.notation.truststore import load_trust_store

SOON = timedelta(days=30)


class Severity(StrEnum):
    """How much a finding matters."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class TrustFinding:
    """Something about a trust policy or a trust store.

    Attributes:
        severity: An error makes verifications fail; a warning may be intended.
        code: A reason code, or `EXPIRES_SOON`, `UNUSED` or `SKIPS`.
        where: The statement or the trust store.
        message: One sentence.
        remedy: What to do.
    """

    severity: Severity
    code: str
    where: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class StoreAudit:
    """A trust store and what is wrong with it.

    Attributes:
        name: Its name.
        used_by: The names of the statements that name it.
        certificates: The certificates that could be read.
        findings: What was found.
    """

    name: StoreName
    used_by: tuple[str, ...]
    certificates: tuple[Certificate, ...]
    findings: tuple[TrustFinding, ...]


def stores_in(folder: Path) -> tuple[StoreName, ...]:
    """Return the trust stores that are in a folder with `x509/<type>/<name>/` in it.

    Raises:
        ConfigurationError: `KEY_UNAVAILABLE`: it cannot be read.
    """
    try:
        return tuple(
            StoreName(kind, path.name)
            for kind in STORE_TYPES
            if (folder / "x509" / kind).is_dir()
            for path in sorted((folder / "x509" / kind).iterdir())
            if path.is_dir()
        )
    except OSError as error:
        raise ConfigurationError(
            f"the trust store {folder} cannot be read: {error.strerror}", reason=Reason.KEY_UNAVAILABLE
        ) from None


def audit_policies(policies: Iterable[TrustPolicy]) -> Iterator[TrustFinding]:
    """Iterate over the statements that check less than they seem to."""
    for policy in policies:
        if policy.level == SKIP_LEVEL:
            what = "checks nothing: its level is skip"
        elif policy.actions[Check.REVOCATION] is Action.SKIP:  # the only one that can be skipped alone
            what = "never looks up revocation"
        else:
            continue
        yield TrustFinding(
            Severity.WARNING,
            "SKIPS",
            policy.name,
            f"the statement {policy.name!r} {what}",
            "Use the level audit, which reports what fails, or narrow the scopes to what really needs it.",
        )


def audit_folder(
    folder: Path, policies: tuple[TrustPolicy, ...], now: datetime, *, complete: bool = True
) -> tuple[StoreAudit, ...]:
    """Check every trust store that is in a folder or that some statement names.

    Args:
        folder: The folder that has `x509/` in it.
        policies: The statements.
        now: The current time.
        complete: Whether these are all; otherwise no trust store is called unused.

    Raises:
        ConfigurationError: As `stores_in`.
    """
    named = {store: None for policy in policies for store in policy.stores}
    # A dict, because it keeps the order: stores in use come first.
    found = dict.fromkeys((*named, *stores_in(folder)))
    audits = (_audit_store(folder, store, policies, now) for store in found)
    return tuple(_unused(each) if complete and not each.used_by else each for each in audits)


def audit_documents(
    store: StoreName, documents: Iterable[KeyMaterial], now: datetime
) -> tuple[tuple[Certificate, ...], tuple[TrustFinding, ...]]:
    """Return the certificates of a trust store's documents, and what is wrong with them."""
    certificates: list[Certificate] = []
    findings: list[TrustFinding] = []
    for document in documents:
        try:
            certificates.extend(load_certificates(document))
            # One by one, so that all faults are found; by the verifier's own function, so that both agree.
            load_anchors({store: (document,)})
        except ConfigurationError as error:
            findings.append(fault(error, str(store)))
    for certificate in certificates:
        findings.extend(_audit_certificate(certificate, str(store), now))
    return tuple(certificates), tuple(findings)


def fault(error: RatifyError, where: str) -> TrustFinding:
    """Return the finding that an error makes."""
    return TrustFinding(Severity.ERROR, error.reason, where, error.message, error.remedy)


def _audit_store(
    folder: Path, store: StoreName, policies: tuple[TrustPolicy, ...], now: datetime
) -> StoreAudit:
    used = tuple(policy.name for policy in policies if store in policy.stores)
    try:
        documents: Mapping[StoreName, tuple[KeyMaterial, ...]] = load_trust_store(folder, (store,))
    except ConfigurationError as error:
        return StoreAudit(store, used, (), (fault(error, str(store)),))
    certificates, findings = audit_documents(store, documents[store], now)
    return StoreAudit(store, used, certificates, findings)


def _unused(store: StoreAudit) -> StoreAudit:
    """Say that it is unused; then nothing in it has to be mended."""
    milder = (replace(each, severity=Severity.WARNING) for each in store.findings)
    message = f"no statement names the trust store {store.name}"
    remedy = "Name it in a trust policy, or remove it."
    unused = TrustFinding(Severity.WARNING, "UNUSED", str(store.name), message, remedy)
    return replace(store, findings=(unused, *milder))


def _audit_certificate(certificate: Certificate, where: str, now: datetime) -> Iterator[TrustFinding]:
    try:
        check_strength(certificate)
    except VerificationError as error:
        yield fault(error, where)
    name, end = repr(certificate.subject), format_time(certificate.not_after)
    renew = "Get the authority's new certificate and put it beside this one."
    if now > certificate.not_after:
        message = f"the certificate {name} expired at {end}"
        yield TrustFinding(Severity.ERROR, Reason.CERT_EXPIRED, where, message, renew)
    elif now < certificate.not_before:
        message = f"the certificate {name} is not valid before {format_time(certificate.not_before)}"
        yield TrustFinding(Severity.ERROR, Reason.CERT_EXPIRED, where, message, "Check this machine's clock.")
    elif now > certificate.not_after - SOON:
        yield TrustFinding(
            Severity.WARNING, "EXPIRES_SOON", where, f"the certificate {name} expires at {end}", renew
        )
