"""Credentials of Alibaba Cloud Container Registry for pyratify."""
