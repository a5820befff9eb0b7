"""Credentials of Azure Container Registry, keys and certificates of Azure Key Vault for pyratify."""
