"""A cluster on loopback, of real programs: etcd, kube-apiserver, Gatekeeper, a registry and the provider."""
