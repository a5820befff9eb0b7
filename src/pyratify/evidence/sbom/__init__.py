"""Software bills of materials: readers of SPDX and CycloneDX, and rules about licenses, packages and what a document must state."""
