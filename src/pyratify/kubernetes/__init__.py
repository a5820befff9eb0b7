"""Kubernetes: the resources that configure pyratify in a cluster, their controller, and certificate rotation."""
