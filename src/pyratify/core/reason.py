"""Stable reason codes: why something was refused or could not be decided.

A code is a contract: scripts, constraint templates and dashboards match on it. Codes are added, never renamed.
Each code has a meaning, and a remedy: one sentence that says what can be done about it.
"""

from enum import StrEnum


class Reason(StrEnum):
    """A stable machine-readable reason code."""

    ALG_NOT_ALLOWED = "ALG_NOT_ALLOWED"
    ARCHIVE_INVALID = "ARCHIVE_INVALID"
    ATTEMPT_LIMIT = "ATTEMPT_LIMIT"
    AUTH_REALM_BLOCKED = "AUTH_REALM_BLOCKED"
    AUTH_SCOPE = "AUTH_SCOPE"
    BAD_REQUEST = "BAD_REQUEST"
    BLOB_NOT_FOUND = "BLOB_NOT_FOUND"
    BODY_BUDGET = "BODY_BUDGET"
    BUSY = "BUSY"
    CERT_CRITICAL_EXT = "CERT_CRITICAL_EXT"
    CERT_EXPIRED = "CERT_EXPIRED"
    CERT_KEY_USAGE = "CERT_KEY_USAGE"
    CERT_REVOKED = "CERT_REVOKED"
    CERT_WEAK = "CERT_WEAK"
    CHAIN_INVALID = "CHAIN_INVALID"
    CHAIN_UNTRUSTED = "CHAIN_UNTRUSTED"
    CONFIG_INVALID = "CONFIG_INVALID"
    CONTENT_ENCODING = "CONTENT_ENCODING"
    CREDENTIAL_SCOPE = "CREDENTIAL_SCOPE"
    CRIT_UNKNOWN = "CRIT_UNKNOWN"
    CROSS_SITE = "CROSS_SITE"
    DAEMON_UNREACHABLE = "DAEMON_UNREACHABLE"
    DECOMPRESS_LIMIT = "DECOMPRESS_LIMIT"
    DIGEST_INVALID = "DIGEST_INVALID"
    DIGEST_MISMATCH = "DIGEST_MISMATCH"
    DIGEST_UNKNOWN = "DIGEST_UNKNOWN"
    ENVELOPE_MALFORMED = "ENVELOPE_MALFORMED"
    EVIDENCE_STALE = "EVIDENCE_STALE"
    EVIDENCE_UNSIGNED = "EVIDENCE_UNSIGNED"
    GRAPH_LIMIT = "GRAPH_LIMIT"
    GROUP_UNKNOWN = "GROUP_UNKNOWN"
    HOST_UNKNOWN = "HOST_UNKNOWN"
    IDENTITY_MISMATCH = "IDENTITY_MISMATCH"
    INTERNAL = "INTERNAL"
    JSON_DUPLICATE_KEY = "JSON_DUPLICATE_KEY"
    JSON_INVALID = "JSON_INVALID"
    KEY_INVALID = "KEY_INVALID"
    KEY_UNAVAILABLE = "KEY_UNAVAILABLE"
    KIND_UNKNOWN = "KIND_UNKNOWN"
    LAYOUT_INVALID = "LAYOUT_INVALID"
    LICENSE = "LICENSE"
    MANIFEST_AMBIGUOUS = "MANIFEST_AMBIGUOUS"
    MEDIATYPE_MISMATCH = "MEDIATYPE_MISMATCH"
    MEDIATYPE_UNSUPPORTED = "MEDIATYPE_UNSUPPORTED"
    MEDIA_TYPE = "MEDIA_TYPE"
    METADATA_MISMATCH = "METADATA_MISMATCH"
    NOT_FOUND = "NOT_FOUND"
    NO_EVIDENCE = "NO_EVIDENCE"
    NO_EXECUTOR = "NO_EXECUTOR"
    OPERATION_REFUSED = "OPERATION_REFUSED"
    PACKAGE_DENIED = "PACKAGE_DENIED"
    PARSE_LIMIT = "PARSE_LIMIT"
    PAYLOAD_SUBJECT_MISMATCH = "PAYLOAD_SUBJECT_MISMATCH"
    PAYLOAD_TYPE = "PAYLOAD_TYPE"
    PLATFORM_MISSING = "PLATFORM_MISSING"
    PLUGIN_REQUIRED = "PLUGIN_REQUIRED"
    POLICY_ERROR = "POLICY_ERROR"
    POLICY_NOT_FOUND = "POLICY_NOT_FOUND"
    POLICY_UNSATISFIED = "POLICY_UNSATISFIED"
    PREDICATE_TYPE = "PREDICATE_TYPE"
    PROVENANCE_MISMATCH = "PROVENANCE_MISMATCH"
    REDIRECT_BLOCKED = "REDIRECT_BLOCKED"
    REFERRERS_LIMIT = "REFERRERS_LIMIT"
    REF_AMBIGUOUS = "REF_AMBIGUOUS"
    REF_INVALID = "REF_INVALID"
    REGISTRY_AUTH = "REGISTRY_AUTH"
    REGISTRY_BUSY = "REGISTRY_BUSY"
    REGISTRY_ERROR = "REGISTRY_ERROR"
    REGISTRY_UNREACHABLE = "REGISTRY_UNREACHABLE"
    REPORT_INVALID = "REPORT_INVALID"
    REQUEST_TOO_LARGE = "REQUEST_TOO_LARGE"
    RESOLVE_FAILED = "RESOLVE_FAILED"
    RUNTIME_UNREACHABLE = "RUNTIME_UNREACHABLE"
    REVOCATION_UNKNOWN = "REVOCATION_UNKNOWN"
    SBOM_INVALID = "SBOM_INVALID"
    SCOPE_NO_MATCH = "SCOPE_NO_MATCH"
    SCT_INVALID = "SCT_INVALID"
    SHUTDOWN = "SHUTDOWN"
    SIGNATURE_LIMIT = "SIGNATURE_LIMIT"
    SIGNER_KIND = "SIGNER_KIND"
    SIG_EXPIRED = "SIG_EXPIRED"
    SIG_INVALID = "SIG_INVALID"
    SIZE_EXCEEDED = "SIZE_EXCEEDED"
    SIZE_MISMATCH = "SIZE_MISMATCH"
    SSRF_BLOCKED = "SSRF_BLOCKED"
    SUBJECT_MISMATCH = "SUBJECT_MISMATCH"
    TAG_NOT_PINNED = "TAG_NOT_PINNED"
    TAG_REF_MISMATCH = "TAG_REF_MISMATCH"
    TIMEOUT = "TIMEOUT"
    TIMESTAMP_INVALID = "TIMESTAMP_INVALID"
    TIME_INVALID = "TIME_INVALID"
    TIME_OUTSIDE_VALIDITY = "TIME_OUTSIDE_VALIDITY"
    TIME_SOURCE_MISSING = "TIME_SOURCE_MISSING"
    TLOG_CHECKPOINT_INVALID = "TLOG_CHECKPOINT_INVALID"
    TLOG_ENTRY_MISMATCH = "TLOG_ENTRY_MISMATCH"
    TLOG_PROOF_INVALID = "TLOG_PROOF_INVALID"
    TLOG_THRESHOLD = "TLOG_THRESHOLD"
    TLS_REQUIRED = "TLS_REQUIRED"
    TLS_VERIFY = "TLS_VERIFY"
    TRUST_ROOT = "TRUST_ROOT"
    UNAUTHORIZED = "UNAUTHORIZED"
    VERIFIER_ERROR = "VERIFIER_ERROR"
    VULN_FOUND = "VULN_FOUND"

    @property
    def meaning(self) -> str:
        """One sentence that says what it stands for, in every case."""
        from pyratify.core.reason_meanings import MEANINGS

        return MEANINGS[self]

    @property
    def remedy(self) -> str:
        """One sentence that says what to do about it."""
        return _REMEDIES[self]

    @property
    def is_gap(self) -> bool:
        """Whether it says that evidence could not be read, through no fault of the artifact's publisher.

        With such a gap in the evidence a DENY is not final: what could not be read may be what the policy asks for. A
        reason that a publisher can cause at will is none: with it, an attacker could keep every denial undecided.
        """
        return self in _GAPS

    @property
    def is_no_access(self) -> bool:
        """Whether another credential may read what could not be read with this one."""
        return self in _NO_ACCESS


# Without BLOB_NOT_FOUND and SIZE_EXCEEDED: a manifest may name a blob that was never pushed, or a huge one.
_GAPS = frozenset(
    {
        Reason.REGISTRY_ERROR,
        Reason.REGISTRY_UNREACHABLE,
        Reason.REGISTRY_AUTH,
        Reason.REGISTRY_BUSY,
        Reason.TIMEOUT,
        Reason.DIGEST_MISMATCH,
        Reason.SIZE_MISMATCH,
        Reason.TLS_VERIFY,
        Reason.TLS_REQUIRED,
        Reason.CONTENT_ENCODING,
        Reason.REDIRECT_BLOCKED,
        Reason.SSRF_BLOCKED,
        Reason.AUTH_REALM_BLOCKED,
        Reason.AUTH_SCOPE,
        Reason.CREDENTIAL_SCOPE,
        Reason.INTERNAL,
    }
)

_NO_ACCESS = frozenset(
    {
        Reason.REGISTRY_AUTH,
        Reason.AUTH_SCOPE,
        Reason.AUTH_REALM_BLOCKED,
        Reason.CREDENTIAL_SCOPE,
        Reason.NOT_FOUND,  # what registries say of repositories that a credential may not see
    }
)

RESERVED = frozenset(
    {
        Reason.RESOLVE_FAILED,
        Reason.SHUTDOWN,
    }
)
"""Codes that nothing in this package raises: they are for plugins."""

_REBUILD = "Ask the publisher to push the artifact again; do not run it until it verifies."
CHANGED = (
    "The content or the signature was changed after signing: do not run it, and sign again what is right."
)
_RESIGN = "Sign the image again with a current signing tool and a key or certificate that the policy names."
_REGISTRY = "Check the registry and the network between here and there, then try again."
_LIMIT = "Remove what does not belong there, or raise the limit in the configuration if the size is expected."

_REMEDIES = {
    Reason.ALG_NOT_ALLOWED: "Sign again with an algorithm that the specification allows for this kind of key.",
    Reason.ARCHIVE_INVALID: "Make the archive again with a tool that writes OCI image layouts.",
    Reason.ATTEMPT_LIMIT: "Remove signatures that are no longer needed from this artifact, or name fewer keys in the policy.",
    Reason.AUTH_REALM_BLOCKED: "If this token server is really the registry's, name its host in the store's authRealms.",
    Reason.AUTH_SCOPE: "The registry asks for more than pull access to this repository; check its configuration.",
    Reason.BAD_REQUEST: "Correct the request as the message says.",
    Reason.BLOB_NOT_FOUND: "The registry lists content that it does not have; push the artifact again.",
    Reason.BODY_BUDGET: "Send it again in a moment, or smaller; where this lasts, raise --max-body-memory.",
    Reason.BUSY: "Ask again in a moment; where this lasts, add replicas or raise --max-evaluations.",
    Reason.CERT_CRITICAL_EXT: "Use a certificate without the critical extension that the message names.",
    Reason.CERT_EXPIRED: "Sign again with a current certificate, or add a timestamp when signing.",
    Reason.CERT_KEY_USAGE: "Use a certificate issued for code signing, as the specification requires.",
    Reason.CERT_REVOKED: "Do not run this; sign again with a certificate that has not been revoked.",
    Reason.CERT_WEAK: "Use RSA of at least 2048 bits or ECDSA P-256, P-384 or P-521, signed with SHA-2.",
    Reason.CHAIN_INVALID: "Sign again with the whole certificate chain, in order from the leaf to the root.",
    Reason.CHAIN_UNTRUSTED: "If this signer is to be trusted, add its CA certificate to the trust store that the policy names.",
    Reason.CONFIG_INVALID: "Correct the configuration at the path that is named; `ratify config check` shows every fault.",
    Reason.CONTENT_ENCODING: "The registry or a proxy compresses content it was asked to send as it is; turn that off.",
    Reason.CREDENTIAL_SCOPE: "Configure a credential for exactly this registry host.",
    Reason.CRIT_UNKNOWN: "Sign again with a tool that writes only the critical attributes of the specification.",
    Reason.CROSS_SITE: "Ask from a page of the service itself, or from a program that is no browser.",
    Reason.DAEMON_UNREACHABLE: "Start the daemon of this node, or look into its log: systemctl status ratify-node.",
    Reason.DECOMPRESS_LIMIT: _LIMIT,
    Reason.DIGEST_INVALID: "Give the digest as sha256:, sha384: or sha512: and its full lower-case hexadecimal value.",
    Reason.DIGEST_MISMATCH: "The content is not what its digest says; do not run it, and look at the registry or the proxy before it.",
    Reason.DIGEST_UNKNOWN: "Pull the image from the registry that has its signatures, by tag or digest, and use what was pulled.",
    Reason.ENVELOPE_MALFORMED: _RESIGN,
    Reason.EVIDENCE_STALE: "Attach newer evidence; what is there is older than the policy allows.",
    Reason.EVIDENCE_UNSIGNED: "Sign the evidence itself; the policy trusts no unsigned document.",
    Reason.GRAPH_LIMIT: _LIMIT,
    Reason.GROUP_UNKNOWN: "Ask again; if it stays so, see why the system's user database (NSS) does not answer on this machine.",
    Reason.HOST_UNKNOWN: "Ask it as localhost, name the host with --host, or give --token-file.",
    Reason.IDENTITY_MISMATCH: "If this signer is to be trusted, name its identity in the policy.",
    Reason.INTERNAL: "This is a defect of pyratify: run again with --debug and report it.",
    Reason.JSON_DUPLICATE_KEY: _REBUILD,
    Reason.JSON_INVALID: _REBUILD,
    Reason.KEY_INVALID: "Give a public key or certificate in PEM or DER, of a kind and size that the documentation lists.",
    Reason.KEY_UNAVAILABLE: "Check that the key's source can be read from here.",
    Reason.KIND_UNKNOWN: "Say where this kind keeps its Pod, or do not send it to the webhook.",
    Reason.LAYOUT_INVALID: "Give a directory or tar archive that is an OCI image layout.",
    Reason.LICENSE: "Leave these packages out of the image, or allow their licenses in the policy.",
    Reason.MANIFEST_AMBIGUOUS: _REBUILD,
    Reason.MEDIATYPE_MISMATCH: _REBUILD,
    Reason.MEDIATYPE_UNSUPPORTED: "Push the artifact as an OCI image manifest or image index.",
    Reason.MEDIA_TYPE: "Send the body with Content-Type: application/json.",
    Reason.METADATA_MISMATCH: "Sign with the annotations or metadata that the policy requires.",
    Reason.NOT_FOUND: "Check the spelling of the repository, tag or digest, and that you may read it.",
    Reason.NO_EVIDENCE: "Sign the image, or check that its signatures were pushed or copied to this registry with it.",
    Reason.NO_EXECUTOR: "Add an executor whose scopes cover this reference.",
    Reason.OPERATION_REFUSED: "Push what was made to a registry and sign it there, or allow this operation in the configuration, at node.docker.allow.",
    Reason.PACKAGE_DENIED: "Build the image without these packages, or with versions that are not denied.",
    Reason.PARSE_LIMIT: _LIMIT,
    Reason.PAYLOAD_SUBJECT_MISMATCH: "This signature belongs to another artifact; sign this one.",
    Reason.PAYLOAD_TYPE: _RESIGN,
    Reason.PLATFORM_MISSING: "Publish the image for this platform, or name only platforms that it is published for.",
    Reason.PLUGIN_REQUIRED: "This signature asks for a verification plugin; configure it, or sign without one.",
    Reason.POLICY_ERROR: "Simplify or correct the policy.",
    Reason.POLICY_NOT_FOUND: "Add a trust policy whose scopes cover this repository.",
    Reason.POLICY_UNSATISFIED: "Look at the reasons of the single signatures, then sign with a key or certificate that the policy names.",
    Reason.PREDICATE_TYPE: "Attach a statement of a type that the policy names, or name this type (predicateTypes, --type).",
    Reason.PROVENANCE_MISMATCH: "Run what was built as the policy says, or name this builder and source in the policy.",
    Reason.REDIRECT_BLOCKED: "The registry sends clients somewhere they must not go; check its configuration.",
    Reason.REFERRERS_LIMIT: "Raise limits.referrers in the configuration (--max-signatures on the command line), or remove what is attached without need.",
    Reason.REF_AMBIGUOUS: "Write the reference in full: registry/repository:tag or registry/repository@digest.",
    Reason.REF_INVALID: "Write the reference as registry/repository:tag or registry/repository@digest.",
    Reason.REGISTRY_AUTH: "Log in to the registry (`docker login`), or configure a credential for it.",
    Reason.REGISTRY_BUSY: "Ask again in a moment; where this lasts, see why the registry is slow, or raise --max-evaluations-per-registry.",
    Reason.REGISTRY_ERROR: _REGISTRY,
    Reason.REGISTRY_UNREACHABLE: _REGISTRY,
    Reason.REPORT_INVALID: "Ask the publisher for a report that follows its format.",
    Reason.REQUEST_TOO_LARGE: "Ask in several smaller requests, or raise the server's limit.",
    Reason.RESOLVE_FAILED: _REGISTRY,
    Reason.REVOCATION_UNKNOWN: "Check that the certificate authority's revocation servers can be reached from here.",
    Reason.RUNTIME_UNREACHABLE: "Check that the runtime runs, and that the daemon of ratify may use its socket.",
    Reason.SBOM_INVALID: "Ask the publisher for an SBOM that follows its format.",
    Reason.SCOPE_NO_MATCH: "Add an executor whose scopes cover this reference.",
    Reason.SCT_INVALID: "Use a certificate that is in a trusted certificate transparency log, or name its log in the trusted root.",
    Reason.SHUTDOWN: "Ask again; the program was stopping.",
    Reason.SIGNATURE_LIMIT: "Raise limits.signatures in the configuration (--max-signatures on the command line), or remove signatures without need.",
    Reason.SIGNER_KIND: "Trust what signed it, a key or an identity, in place of the other; `ratify inspect` shows which.",
    Reason.SIG_EXPIRED: "Sign the image again; this signature was only valid for a time.",
    Reason.SIG_INVALID: "If the signer's key is another one and is to be trusted, give that key; if not, do not run it: it was signed by another or changed.",
    Reason.SIZE_EXCEEDED: _LIMIT,
    Reason.SIZE_MISMATCH: _REBUILD,
    Reason.SSRF_BLOCKED: "The registry points at an address that is not public; check it before you allow anything.",
    Reason.SUBJECT_MISMATCH: "The registry lists this artifact under an image it does not belong to; attach it to the right one.",
    Reason.TAG_NOT_PINNED: "Refer to the image by digest.",
    Reason.TAG_REF_MISMATCH: "Pull the image under the tag that it was built for, or move the tag back.",
    Reason.TIMEOUT: "Try again, or allow more time with --timeout or the configuration.",
    Reason.TIMESTAMP_INVALID: "Sign again with a timestamp from a trusted timestamp authority.",
    Reason.TIME_INVALID: "Check the clocks of the signer and of this machine.",
    Reason.TIME_OUTSIDE_VALIDITY: "Sign again with a certificate or key that is valid at the time of signing.",
    Reason.TIME_SOURCE_MISSING: "Sign with a timestamp or a transparency log entry.",
    Reason.TLOG_CHECKPOINT_INVALID: "The transparency log did not sign this; sign again, or give the trusted root that the signer used.",
    Reason.TLOG_ENTRY_MISMATCH: "The log entry belongs to another signature; do not run this, or sign again.",
    Reason.TLOG_PROOF_INVALID: "Sign again with a proof from a trusted transparency log, or give the trusted root that the signer used.",
    Reason.TLOG_THRESHOLD: "Sign again into as many independent transparency logs as the policy asks for.",
    Reason.TLS_REQUIRED: "Serve the registry over https, or allow plain http for exactly this registry.",
    Reason.TLS_VERIFY: "Give the registry's CA certificate (--ca-file or caPem), or correct its certificate.",
    Reason.TRUST_ROOT: "Give a whole and current trusted root, or refresh it with `ratify trust sigstore --refresh`.",
    Reason.UNAUTHORIZED: "Send a token that the service knows as Authorization: Bearer, or a client certificate of its authority.",
    Reason.VULN_FOUND: "Rebuild the image with the fixed packages, or attach a signed VEX document that says why a finding does not matter.",
    Reason.VERIFIER_ERROR: "The verifier plugin failed; look at its message and report it to its author.",
}
