#!/bin/sh
# Verifies the signed images of this repository, straight from an OCI image layout: no server, no network.
# Each step says what it shows and stops the demo if the answer is not the one that was promised.
set -u
cd "$(dirname "$0")/material" || exit 1

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

step 0 'A Cosign signature by the key we trust: accepted.' \
  ratify verify --key keys/cosign.pub oci:layout:cosign-v3
step 0 'A classic Cosign signature, found by its tag: accepted.' \
  ratify verify --key keys/cosign.pub oci:layout:cosign-v2
step 0 'A Notation signature by a certificate of the CA we trust: accepted.' \
  ratify verify --cert certs/ca.pem --trusted-identity 'x509.subject: C=US, ST=WA, O=Pyratify Test' oci:layout:notation-cose-ec
step 1 'Nobody signed this one: refused.' \
  ratify verify --key keys/cosign.pub oci:layout:unsigned
step 1 'Signed, but by another key: refused.' \
  ratify verify --key keys/cosign.pub oci:layout:wrong-key
step 1 'A good signature, but of another image, attached to this one: refused.' \
  ratify verify --key keys/cosign.pub oci:layout:replayed
step 1 'A Notation envelope whose payload was changed after signing: refused.' \
  ratify verify --cert certs/ca.pem --trusted-identity 'x509.subject: C=US, ST=WA, O=Pyratify Test' oci:layout:tampered
step 2 'A tag that does not exist: not a refusal, but no answer either.' \
  ratify verify --key keys/cosign.pub oci:layout:no-such-tag
step 0 'What is attached to an image that was signed with both tools.' \
  ratify discover oci:layout:both
printf '\nThat is the main job. Next: ratify verify --key YOUR.pub REGISTRY/REPOSITORY:TAG\n'
