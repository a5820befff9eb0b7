"""The service: a JSON API outside Kubernetes, and a page that shows decisions with their reasons."""
