"""TLS of servers, with certificates that are exchanged while the server runs."""
