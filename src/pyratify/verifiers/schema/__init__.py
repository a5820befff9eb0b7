"""The verifier that compares attached documents with JSON Schemas."""
