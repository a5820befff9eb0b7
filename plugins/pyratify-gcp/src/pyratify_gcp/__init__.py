"""Credentials of Google Artifact Registry and the public keys of Cloud KMS for pyratify."""
