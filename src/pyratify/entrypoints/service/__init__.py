"""The service: a JSON API for whoever has no Kubernetes, and a page that shows what was decided and why."""
