"""The API server: a client, its resources, and an informer that watches them."""
