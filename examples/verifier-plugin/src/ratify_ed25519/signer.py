"""Makes the evidence that the verifier verifies."""

import base64
import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pyratify.core.descriptor import Descriptor
from ratify_ed25519.format import signed_bytes


def sign(key: Ed25519PrivateKey, subject: Descriptor) -> bytes:
    """Return the document to attach to the subject as a layer of type `format.MEDIA_TYPE`."""
    document = {
        "subject": {"mediaType": subject.media_type, "digest": str(subject.digest), "size": subject.size},
        "signature": base64.b64encode(key.sign(signed_bytes(subject))).decode(),
    }
    return json.dumps(document).encode()
