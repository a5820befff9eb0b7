"""Certificate authorities configured for a registry, in the form that the TLS library reads."""

from pyratify.core.errors import ConfigurationError
from pyratify.pki.pem import Block, InvalidPem, is_pem, read_pem


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
