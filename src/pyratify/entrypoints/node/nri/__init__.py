"""NRI, the node resource interface of containerd and CRI-O: what a runtime asks its plugins before it makes a container."""
