"""A fake AWS in a process of its own: moto's server; prints its port, then the private half of each key that is asked for.

moto hashes a digest again before it signs (`MessageType: DIGEST`), so what cosign signs through it fits no key. Its keys
are real ones: cosign signs with the private half itself.
"""

import json
import sys

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from moto.kms.models import kms_backends
from moto.server import ThreadedMotoServer

ACCOUNT, REGION = "123456789012", "eu-west-1"

server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
for line in sys.stdin:
    key = kms_backends[ACCOUNT][REGION].keys[line.strip()].private_key.private_key
    print(
        json.dumps(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()), flush=True
    )
