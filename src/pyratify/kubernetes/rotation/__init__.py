"""The servers' own certificates in a cluster: a Secret with an authority and a server certificate, renewed by one replica at a time.

Pure functions of the Secret and the clock decide what to do (`secret_contents`, `authority`, `plan`); the other modules make the
requests (`certificate_secret`, `ca_bundle`, `leader`), and `rotator` runs them. Nothing here opens a port.
"""
