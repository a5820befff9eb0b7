"""Unix sockets that a server listens at: made, handed over by systemd, and for which processes."""
