"""Our own certificates in a cluster: a Secret with an authority and a server certificate, renewed in time by one of all replicas.

What to do is decided by functions of the Secret and the clock (`material`, `issue`, `plan`); the rest asks the API server
(`secret`, `bundles`, `lease`) and follows (`rotator`). Nothing here opens a port.
"""
