"""The clouds of Azure: the zones of their registries and vaults, and the scope of a token for each vault."""

from pyratify.credentials.host_patterns import HostPatterns

# A reference may name any host, which without a list would be sent the cluster's token.
REGISTRIES = ("*.azurecr.io", "*.azurecr.us", "*.azurecr.cn")
"""As in Ratify v1: no other host is shown a token unless the configuration names it."""
REGISTRY_SCOPE = "https://containerregistry.azure.net/.default"
_VAULTS = {
    "*.vault.azure.net": "https://vault.azure.net/.default",
    "*.vault.azure.cn": "https://vault.azure.cn/.default",
    "*.vault.usgovcloudapi.net": "https://vault.usgovcloudapi.net/.default",
    "*.managedhsm.azure.net": "https://managedhsm.azure.net/.default",
    "*.managedhsm.azure.cn": "https://managedhsm.azure.cn/.default",
    "*.managedhsm.usgovcloudapi.net": "https://managedhsm.usgovcloudapi.net/.default",
}


def vault_scope(host: str) -> str:
    """Return the scope of a token for a vault's host; empty where the host is no vault of Azure."""
    return next((scope for zone, scope in _VAULTS.items() if HostPatterns((zone,)).match(host)), "")
