"""The configuration that `ratify config init` writes."""

STARTER = """\
# What ratify trusts; `ratify config check -c FILE` explains what is wrong with it, docs/configuration.md what else there is.
executors:
  # Repositories (ghcr.io/team/app), prefixes (ghcr.io/team/*), registries (ghcr.io), zones (*.example.com), or "*".
  - scopes: ["*"]
    verifiers:
      # Signatures that `cosign sign --key` made.
      - name: cosign
        type: cosign
        parameters:
          trustPolicies:
            - keys: {files: [cosign.pub]}
      # Signatures of notation: certificate authorities, and who of those they certify is trusted.
      # - name: notation
      #   type: notation
      #   parameters:
      #     certificates: [{type: ca, files: [ca.pem]}]
      #     trustedIdentities: ["x509.subject: C=US, ST=WA, O=Example"]
    # One signature that any of the verifiers accepts is enough; this is how to ask for more:
    # policyEnforcer:
    #   type: threshold-policy
    #   parameters: {policy: {threshold: 2, rules: [{verifierName: cosign}, {verifierName: notation}]}}
"""
