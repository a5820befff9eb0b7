"""Certificate authorities that a configuration names for a server, in the form that the TLS library reads."""

from pathlib import Path

from pyratify.core.errors import ConfigurationError
from pyratify.core.files import UnreadableFile, read_file
from pyratify.core.limits import MIB
from pyratify.pki.pem import Block, InvalidPem, is_pem, read_pem

_MAX_BYTES = 4 * MIB  # a public bundle of all authorities has 0.25 MiB


def read_authorities(name: str, base: Path, path: str) -> str:
    """Return the certificates of a file as `plain_certificates` does; an empty text where no file is named.

    Args:
        name: The file.
        base: The folder of relative names.
        path: The option, for messages.

    Raises:
        ConfigurationError: It cannot be read, a block is damaged or holds something else, or there is none.
    """
    if not name:
        return ""
    try:
        data = read_file(base / name, _MAX_BYTES)
    except UnreadableFile as error:
        raise ConfigurationError(f"{name} {error}", path=path, remedy=error.remedy, stand_in="") from None
    try:
        return plain_certificates(data, path)
    except ConfigurationError as error:
        raise ConfigurationError(
            f"{name}: {error.detail}", path=path, remedy=error.remedy, stand_in=""
        ) from None


def plain_certificates(data: bytes, path: str) -> str:
    """Return certificates, given in PEM or DER, in plain PEM without the text that tools write around the blocks.

    Args:
        data: The content of a file or option.
        path: The option, for messages.

    Raises:
        ConfigurationError: A block is damaged or holds something else, or there is none.
    """
    try:
        blocks = read_pem(data) if is_pem(data) else (Block("CERTIFICATE", data),)
    except InvalidPem as error:
        raise ConfigurationError(str(error), path=path) from None
    other = next((block.label for block in blocks if block.label != "CERTIFICATE"), None)
    if other is not None or not blocks:
        what = f"it holds a block {other!r}" if other else "it is neither DER nor a text with a PEM block"
        raise ConfigurationError(what, path=path, remedy="Give certificates, in PEM or DER.")
    return "".join(block.encode() for block in blocks)
