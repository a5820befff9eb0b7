"""Keys and certificates of HashiCorp Vault and OpenBao for pyratify."""
