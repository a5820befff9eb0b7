"""In a Kubernetes cluster: resources as configuration, their status, leases and certificates (extra `kubernetes`)."""
