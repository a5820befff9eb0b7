"""The HTTP server: routes, bounds on bodies and connections, sockets."""
