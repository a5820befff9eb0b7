"""A signature by real cosign with the private half of a key in KMS."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from interop import live
from pyratify.entrypoints.cli import main
from pyratify_aws.aws_client import AwsClient

NO_LOG = {
    "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
    "rekorTlogConfig": {},
    "tsaConfig": {},
}


def cosign(*arguments: str, folder: Path) -> None:
    """Run cosign in a folder, away from any configuration."""
    environment = {"HOME": str(folder), "PATH": os.environ["PATH"], "COSIGN_PASSWORD": ""}
    program = str(live.loopback.PEERS / "cosign")
    subprocess.run([program, *arguments], cwd=folder, env=environment, check=True, capture_output=True)


@pytest.mark.interop
@pytest.mark.parametrize("spec", ["ECC_NIST_P256", "RSA_3072"])
def test_a_key_in_kms_verifies_what_cosign_signed_with_its_private_half(
    environment: Any, spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And another key of KMS does not."""
    if live.missing():
        pytest.skip("run `make peers` first")
    import asyncio

    async def made() -> str:
        answer = await AwsClient().call("kms", "", "create_key", KeySpec=spec, KeyUsage="SIGN_VERIFY")
        return str(answer["KeyMetadata"]["KeyId"])

    mine, other = asyncio.run(made()), asyncio.run(made())
    (tmp_path / "plain.pem").write_text(environment.private_key(mine))
    (tmp_path / "config.json").write_text(json.dumps(NO_LOG))
    (tmp_path / "blob").write_bytes(b"bytes to trust")
    cosign("import-key-pair", "--yes", "--key", "plain.pem", "--output-key-prefix", "kms", folder=tmp_path)
    flags = ("--yes", "--signing-config", "config.json", "--bundle", "bundle.json", "--key", "kms.key")
    cosign("sign-blob", *flags, "blob", folder=tmp_path)
    monkeypatch.chdir(tmp_path)
    for key, code in ((mine, 0), (other, 1)):
        assert main(["verify-file", "--bundle", "bundle.json", "--key", f"awskms:///{key}", "blob"]) == code
