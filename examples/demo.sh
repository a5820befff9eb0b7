#!/bin/sh
# Verifies the signed images of this repository, straight from an OCI image layout: no server, no network.
# Each step says what it shows and stops the demo if the answer is not the one that was promised.
set -u
cd "$(dirname "$0")/.." || exit 1
MATERIAL=examples/material
SUBJECT='x509.subject: C=US, ST=WA, O=Pyratify Test'
# What is printed can be pasted here, also where the command is not in the PATH of the reader.
RATIFY=${RATIFY:-ratify}

step() { # EXPECTED_EXIT_CODE TITLE COMMAND...
  expected=$1
  title=$2
  shift 2
  printf '\n# %s\n$' "$title"
  for word in "$@"; do
    case $word in *' '*) printf " '%s'" "$word" ;; *) printf ' %s' "$word" ;; esac
  done
  printf '\n'
  "$@"
  code=$?
  printf '(exit code %s)\n' "$code"
  [ "$code" = "$expected" ] || { printf 'demo: exit code %s was promised\n' "$expected" >&2; exit 1; }
}

step 0 'A Cosign signature by the trusted key: accepted.' \
  "$RATIFY" verify --key $MATERIAL/keys/cosign.pub oci:$MATERIAL/layout:cosign-v3
step 0 'A classic Cosign signature, found by its tag: accepted.' \
  "$RATIFY" verify --key $MATERIAL/keys/cosign.pub oci:$MATERIAL/layout:cosign-v2
step 0 'A Notation signature by a certificate of the trusted CA: accepted.' \
  "$RATIFY" verify --cert $MATERIAL/certs/ca.pem --trusted-identity "$SUBJECT" oci:$MATERIAL/layout:notation-cose-ec
step 1 'An unsigned image: refused.' \
  "$RATIFY" verify --key $MATERIAL/keys/cosign.pub oci:$MATERIAL/layout:unsigned
step 1 'Signed, but by another key: refused.' \
  "$RATIFY" verify --key $MATERIAL/keys/cosign.pub oci:$MATERIAL/layout:wrong-key
step 1 'A good signature, but of another image, attached to this one: refused.' \
  "$RATIFY" verify --key $MATERIAL/keys/cosign.pub oci:$MATERIAL/layout:replayed
step 1 'A Notation envelope whose payload was changed after signing: refused.' \
  "$RATIFY" verify --cert $MATERIAL/certs/ca.pem --trusted-identity "$SUBJECT" oci:$MATERIAL/layout:tampered
step 0 'An image whose signed provenance names the right source: accepted.' \
  "$RATIFY" verify --key $MATERIAL/keys/cosign.pub --source-uri https://github.com/org/app oci:$MATERIAL/built:v1.4.0
step 1 'The same, where it must come from another source: refused.' \
  "$RATIFY" verify --key $MATERIAL/keys/cosign.pub --source-uri https://github.com/org/other oci:$MATERIAL/built:v1.4.0
step 0 'A signed image with a signed SBOM that lists no denied package: accepted.' \
  "$RATIFY" verify --key $MATERIAL/keys/cosign.pub --deny-package left-pad oci:$MATERIAL/documents:sbom
step 1 'The same, where a package that its SBOM lists is denied: refused.' \
  "$RATIFY" verify --key $MATERIAL/keys/cosign.pub --deny-package zlib@1.2.13-r0 oci:$MATERIAL/documents:sbom
if "$RATIFY" config check examples/cel.yaml >/dev/null 2>&1; then
  step 1 'A policy in CEL that asks for two signatures, and there is one: refused.' \
    "$RATIFY" verify -c examples/cel.yaml registry.example.com/app:cosign-v3
else
  printf '\n# Left out: a policy in CEL, which needs: pip install "pyratify[cel]"\n'
fi
step 1 'A signed vulnerability report with a critical finding: refused.' \
  "$RATIFY" verify --key $MATERIAL/keys/cosign.pub --deny-severity critical oci:$MATERIAL/scanned:scanned
step 2 'A tag that does not exist: not a refusal, but no answer either.' \
  "$RATIFY" verify --key $MATERIAL/keys/cosign.pub oci:$MATERIAL/layout:no-such-tag
step 0 'What is attached to an image that was signed with both tools.' \
  "$RATIFY" discover oci:$MATERIAL/layout:both
printf '\nThat is the main job. Every line behind a $ can be pasted here as it stands, for instance:\n\n'
printf '  %s verify --key %s/keys/cosign.pub -o tree oci:%s/layout:both\n\n' "$RATIFY" "$MATERIAL" "$MATERIAL"
printf 'With your key and REGISTRY/REPOSITORY:TAG in the places of these it verifies your image.\n'
