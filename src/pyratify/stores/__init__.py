"""Stores: registries and OCI layouts."""
