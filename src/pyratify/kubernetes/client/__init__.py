"""The API server: its client, its resources, and how they are watched."""
