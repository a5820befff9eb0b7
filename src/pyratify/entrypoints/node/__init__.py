"""Nodes: verdicts where images are pulled and containers are made, without the API server."""
