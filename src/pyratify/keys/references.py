"""References to keys that cosign understands and this package does not: what they name, and what would read it."""

from pyratify.core.errors import ConfigurationError
from pyratify.core.plugin import Registry
from pyratify.core.reason import Reason

# cosign reads all of these schemes itself, so its own command can print the public key.
_EXPORT = "cosign public-key --key '{reference}' > cosign.pub"
_SERVICES = {
    "awskms": ("AWS KMS", "pyratify-aws"),
    "gcpkms": ("Google Cloud KMS", "pyratify-gcp"),
    "azurekms": ("Azure Key Vault", "pyratify-azure"),
    "hashivault": ("HashiCorp Vault", "pyratify-vault"),
    "openbao": ("OpenBao", "pyratify-vault"),
    "alikms": ("Alibaba Cloud KMS", ""),
    "pkcs11": ("a PKCS #11 token", ""),
    "gitlab": ("a project of GitLab", ""),
}


def scheme_of(text: str) -> str:
    """Return the scheme of a text that has the form of a reference to a key elsewhere; empty for a path."""
    scheme, colon, _ = text.partition(":")
    known = scheme in _SERVICES or scheme in {"k8s", "env", "http", "https", "file"}
    # pkcs11 URIs have no `//` (RFC 7512, section 2.3); `a:b` remains the name of a file.
    if not colon or not known or not (text.startswith(f"{scheme}://") or scheme == "pkcs11"):
        return ""
    return scheme


def is_readable(text: str) -> bool:
    """Return whether a plugin that is installed reads the reference."""
    return scheme_of(text) in Registry[object]("keys").names()


def check_reference(text: str, where: str) -> None:
    """Refuse a reference that stands where a path should, and say what reads it or how to do without.

    Args:
        text: What a flag or a configuration names.
        where: The flag, or what to call the place.

    Raises:
        ConfigurationError: `KEY_UNAVAILABLE`: it has the form of such a reference.
    """
    if not scheme_of(text):
        return
    # Cut: the text may have any length, and messages end in logs.
    what, remedy = _explained(scheme_of(text), text[:200])
    raise ConfigurationError(
        f"{where}: {text[:200]} names {what}, which is not read here",
        reason=Reason.KEY_UNAVAILABLE,
        remedy=remedy,
    )


def _explained(scheme: str, text: str) -> tuple[str, str]:
    if is_readable(text):
        return "a key of a service", f"Write it in place of files: `references: [{text}]`."
    if scheme in _SERVICES:
        service, plugin = _SERVICES[scheme]
        named = f", as `pip install {plugin}` brings it," if plugin else ""
        return f"a key in {service}", (
            f"A plugin of the kind pyratify.keys for {service}{named} would read it; "
            f"without one, export the public key: `{_EXPORT.format(reference=text)}`."
        )
    if scheme == "env":
        return "a variable of the environment", (
            "The plugin `inline` of the kind pyratify.keys takes a key as text in a configuration, also as ${NAME}; "
            "or write the variable to a file and name that."
        )
    if scheme == "file":
        return "a file by its address", f"Give the path alone: {text.removeprefix('file://')}."
    return "a key on a web server", (
        "A plugin of the kind pyratify.keys for web servers would read it in a configuration; without one, download it "
        f"once over a connection that you trust: `curl -fsSo cosign.pub {text}`."
    )
