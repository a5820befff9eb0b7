"""OCI image layouts, in a directory or a tar archive (OCI image layout specification 1.1)."""
