"""What all servers share: the HTTP server with its limits, TLS that is exchanged while it runs, health, logs."""
