"""VEX documents (OpenVEX, CycloneDX): statements on whether a vulnerability matters in a product, and when they count."""
