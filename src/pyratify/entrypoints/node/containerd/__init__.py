"""containerd: what its image verifier plugin asks, and the program that asks it here."""
