"""The verifier of SBOMs that are attached as they are."""
