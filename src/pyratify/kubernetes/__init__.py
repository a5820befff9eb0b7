"""Kubernetes: the resources that configure pyratify in a cluster, and the controller that follows them."""
