"""`ratify trust notation`: trust policies and trust stores, listed and checked."""

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyratify.core.clock import SystemClock
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.core.reason import Reason
from pyratify.entrypoints.cli.decode.certificate_facts import certificate_facts
from pyratify.entrypoints.cli.engines.flag_files import material, read_flag_file
from pyratify.entrypoints.cli.engines.verifiers_from_flags import notation_folder
from pyratify.entrypoints.cli.facts import show
from pyratify.terminal import exits
from pyratify.terminal.console import Console
from pyratify.verifiers.notation.blob_policy_document import read_blob_policy
from pyratify.verifiers.notation.policy_document import load_document, read_trust_policy
from pyratify.verifiers.notation.trust_check import (
    Severity,
    StoreAudit,
    TrustFinding,
    audit_documents,
    audit_folder,
    audit_policies,
    fault,
)
from pyratify.verifiers.notation.trust_policy import StoreName, TrustPolicy

if TYPE_CHECKING:
    from pyratify.verifiers.notation.config_directory import NotationFolder


@dataclass(frozen=True, slots=True)
class Audit:
    """The trust policies and trust stores that were checked.

    Attributes:
        policies: The statements, with the document each stands in.
        stores: The trust stores.
        findings: What was found besides in the stores.
    """

    policies: tuple[tuple[str, TrustPolicy], ...] = ()
    stores: tuple[StoreAudit, ...] = ()
    findings: tuple[TrustFinding, ...] = ()

    @property
    def all(self) -> tuple[TrustFinding, ...]:
        """All findings, errors first."""
        found = (*self.findings, *(each for store in self.stores for each in store.findings))
        return tuple(sorted(found, key=lambda each: each.severity))


def run(arguments: Namespace, console: Console) -> int:
    """Check trust policies and trust stores, print them and return the exit code."""
    found = _audit(arguments)
    show(console, arguments.output, _facts(found))
    # Warnings end with 0, so that a daily job fails only where signatures will.
    return exits.DENIED if any(each.severity is Severity.ERROR for each in found.all) else exits.ALLOWED


def _audit(arguments: Namespace) -> Audit:
    others = arguments.trust_policy or arguments.trust_store
    if arguments.cert:
        if others or arguments.notation or arguments.notation_config:
            raise ConfigurationError(
                "--cert excludes trust policies and trust stores",
                remedy="Ask for the certificates and for the trust store in two runs.",
            )
        return _certificates(arguments)
    if arguments.trust_policy and not arguments.trust_store:
        raise ConfigurationError(
            "--trust-policy needs --trust-store", remedy="Give the folder that holds x509/."
        )
    # notation's own folder is the default, as in notation.
    arguments.notation = arguments.notation or not (others or arguments.notation_config)
    folder = notation_folder(arguments)
    if folder is None:
        data = read_flag_file(arguments.trust_policy, "--trust-policy") if arguments.trust_policy else None
        documents = {} if data is None else {arguments.trust_policy: data}
        return _documents(documents, Path(arguments.trust_store), (), arguments)
    if not folder.root.is_dir():
        raise ConfigurationError(
            f"{folder.root} is no folder", remedy="Give --notation-config, or set NOTATION_CONFIG."
        )
    return _folder(arguments, folder)


def _certificates(arguments: Namespace) -> Audit:
    store = StoreName("ca", "command-line")
    certificates, findings = audit_documents(store, material(arguments.cert, "--cert"), SystemClock().now())
    return Audit(stores=(StoreAudit(store, (), certificates, findings),))


def _folder(arguments: Namespace, folder: "NotationFolder") -> Audit:
    documents: dict[str, bytes] = {}
    findings: list[TrustFinding] = []
    for name, read in folder.documents():
        try:
            documents[name] = read()
        except ConfigurationError as error:
            # A finding and not the end: the other document and the trust stores are still to be checked.
            findings.append(fault(error, name))
    if not documents and not findings:
        missing = ConfigurationError(
            f"there is no trust policy in {folder.root}",
            reason=Reason.CONFIG_INVALID,
            remedy="Write trustpolicy.json there (`notation policy init`), or name another folder with --notation-config.",
        )
        findings.append(fault(missing, str(folder.root)))
    return _documents(documents, folder.trust_store, tuple(findings), arguments)


def _documents(
    documents: dict[str, bytes], store: Path, findings: tuple[TrustFinding, ...], arguments: Namespace
) -> Audit:
    if not store.is_dir():
        missing = ConfigurationError(
            f"there is no trust store {store}",
            reason=Reason.KEY_UNAVAILABLE,
            remedy="Make it (`notation cert add`), or name the folder that holds x509/ with --trust-store.",
        )
        findings = (*findings, fault(missing, str(store)))
    policies: list[tuple[str, TrustPolicy]] = []
    for name, data in documents.items():
        try:
            policies.extend((name, policy) for policy in _parse(name, data, arguments))
        except ConfigurationError as error:
            findings = (*findings, fault(error, name))
    statements = tuple(policy for _, policy in policies)
    # A document that cannot be read names no trust stores, so none can be called unused.
    complete = bool(statements) and not findings
    stores = audit_folder(store, statements, SystemClock().now(), complete=complete)
    return Audit(tuple(policies), stores, (*findings, *audit_policies(statements)))


def _parse(name: str, data: bytes, arguments: Namespace) -> tuple[TrustPolicy, ...]:
    document = load_document(data, name)
    listed = document.get("trustPolicies") if isinstance(document, dict) else None
    statements = listed if isinstance(listed, list) else ()
    # registryScopes is required in an OCI policy and unknown in one for blobs ("Trust Policy Properties").
    scoped = any(isinstance(each, dict) and "registryScopes" in each for each in statements)
    if scoped or Path(name).name in ("trustpolicy.json", "trustpolicy.oci.json"):
        return read_trust_policy(document, path=name, wildcards=arguments.wildcard_scopes).policies
    return read_blob_policy(document, path=name).policies


def _facts(found: Audit) -> dict[str, Any]:
    return {
        "trustPolicies": [_policy(name, policy) for name, policy in found.policies],
        "trustStores": [_store(each) for each in found.stores],
        "findings": [_finding(each) for each in found.all],
        "errors": sum(each.severity is Severity.ERROR for each in found.all),
        "warnings": sum(each.severity is Severity.WARNING for each in found.all),
    }


def _policy(document: str, policy: TrustPolicy) -> dict[str, Any]:
    return {
        "name": policy.name,
        "document": document,
        "level": policy.level,
        "scopes": list(policy.scopes),
        "trustStores": [str(store) for store in policy.stores],
        "trustedIdentities": list(policy.identity_texts),
    }


def _store(store: StoreAudit) -> dict[str, Any]:
    return {
        "name": str(store.name),
        "usedBy": list(store.used_by),
        "certificates": [certificate_facts(each) for each in store.certificates],
    }


def _finding(found: TrustFinding) -> dict[str, Any]:
    return {
        "severity": found.severity.value,
        "code": str(found.code),
        "where": found.where,
        "message": found.message,
        "remedy": found.remedy,
    }
