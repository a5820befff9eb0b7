"""Signs: `python -m ratify_ed25519 KEY MEDIA_TYPE DIGEST SIZE` prints the document to attach to the image."""

import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from ratify_ed25519.signer import sign


def main(arguments: list[str]) -> None:
    """Print a signature.

    Raises:
        SystemExit: The arguments are not four, or the key is no Ed25519 private key.
    """
    if len(arguments) != 4:
        sys.exit(__doc__)
    path, media_type, digest, size = arguments
    key = load_pem_private_key(Path(path).read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        sys.exit(f"{path} is no Ed25519 private key")
    print(sign(key, Descriptor(media_type, Digest(digest), int(size))).decode())


if __name__ == "__main__":
    main(sys.argv[1:])
