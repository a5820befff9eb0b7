"""Two examples for every help, by the words of the command; each is a command line that is parsed."""

_IMAGE = "registry.example.com/team/app:1.4"
# tests parse each line, so an example with a flag that is gone fails them.
_SERVED = "-c ratify.yaml --address :6001 --cert-file tls.crt --key-file tls.key"
EXAMPLES: dict[str, tuple[str, ...]] = {
    "ratify": (
        f"ratify verify --key cosign.pub {_IMAGE}",
        "ratify help verify",
    ),
    "ratify verify": (
        f"ratify verify --key cosign.pub {_IMAGE}",
        f"ratify verify --cert ca.pem --trusted-identity 'C=US, ST=WA, O=Example' -o tree {_IMAGE}",
        "ratify verify -c ratify.yaml --from-file references.txt --only-failures -o json",
    ),
    **{
        f"ratify {name}": (
            f"ratify {name} --signature file.txt.sigstore.json --key cosign.pub file.txt",
            f"ratify {name} --signature file.txt.jws.sig --cert ca.pem --trusted-identity '*' file.txt",
        )
        for name in ("verify-file", "verify-blob", "verify-bundle")
    },
    "ratify discover": (f"ratify discover {_IMAGE}", "ratify discover -o json oci:layout:1.4"),
    "ratify inspect": (f"ratify inspect {_IMAGE}", "ratify inspect file.txt.sigstore.json"),
    "ratify sbom": (
        "ratify sbom diff before.spdx.json after.cdx.json",
        "ratify inspect --sbom -o json sbom.spdx.json",
    ),
    "ratify sbom diff": (
        "ratify sbom diff before.spdx.json after.cdx.json",
        f"ratify sbom diff --exit-code {_IMAGE} sbom.spdx.json",
    ),
    "ratify resolve": (f"ratify resolve {_IMAGE}", "ratify resolve -o json nginx"),
    "ratify explain": ("ratify explain SIG_INVALID", "ratify explain -o json"),
    "ratify trust": ("ratify trust notation", "ratify trust sigstore --refresh"),
    "ratify trust notation": (
        "ratify trust notation",
        "ratify trust notation --trust-policy trustpolicy.json --trust-store truststore",
    ),
    "ratify trust sigstore": (
        "ratify trust sigstore",
        "ratify trust sigstore --refresh --if-stale",
    ),
    "ratify plugins": ("ratify plugins", "ratify plugins -o json"),
    "ratify config": ("ratify config init", "ratify config check -c ratify.yaml"),
    "ratify config check": (
        "ratify config check -c ratify.yaml",
        "ratify config check -c - -o json",
    ),
    "ratify config show": ("ratify config show -c ratify.yaml", "ratify config show -o json"),
    "ratify config schema": (
        "ratify config schema",
        "ratify config schema > ratify.schema.json",
    ),
    "ratify config convert": (
        "ratify config convert ratify.yaml --name team --inline-files",
        "ratify config convert --namespace team ratify.yaml",
    ),
    "ratify config crds": ("ratify config crds", "ratify config crds | kubectl apply -f -"),
    "ratify config init": (
        "ratify config init",
        "ratify config init --key cosign.pub --timeout 10 ratify.yaml",
    ),
    "ratify gatekeeper": (f"ratify gatekeeper serve {_SERVED}", "ratify help gatekeeper serve"),
    "ratify gatekeeper serve": (
        f"ratify gatekeeper serve {_SERVED} --gatekeeper-ca-cert-file ca.crt",
        "ratify gatekeeper serve -c ratify.yaml --address 127.0.0.1:6001",
    ),
    "ratify-gatekeeper-provider": (
        f"ratify-gatekeeper-provider {_SERVED} --gatekeeper-ca-cert-file ca.crt",
        "ratify-gatekeeper-provider -c ratify.yaml --address 127.0.0.1:6001",
    ),
    "ratify webhook": (f"ratify webhook serve {_SERVED}", "ratify webhook check webhook.yaml"),
    "ratify webhook serve": (
        f"ratify webhook serve {_SERVED} --rules rules.yaml",
        "ratify webhook serve -c ratify.yaml --address 127.0.0.1:8443",
    ),
    "ratify webhook check": (
        "ratify webhook check --rules rules.yaml",
        "kubectl get validatingwebhookconfigurations -o yaml | ratify webhook check -",
    ),
    "ratify service": ("ratify service serve -c ratify.yaml", "ratify help service serve"),
    "ratify service serve": (
        "ratify service serve -c ratify.yaml --address 127.0.0.1:8080",
        f"ratify service serve {_SERVED} --token-file token",
    ),
    "ratify node": ("ratify node serve -c /etc/ratify/ratify.yaml", "ratify node check"),
    "ratify node serve": (
        "ratify node serve -c /etc/ratify/ratify.yaml",
        "ratify node serve -c ratify.yaml --socket /tmp/ratify/node.sock --state ''",
        "ratify node serve -c /etc/ratify/ratify.yaml --docker /run/ratify/docker.sock --nri /run/nri/nri.sock",
    ),
    "ratify node verify": (
        "ratify node verify -c ratify.yaml -name NAME -digest DIGEST -stdin-media-type application/vnd.oci.descriptor.v1+json",
        "ratify node verify --timeout 3s -name NAME -digest DIGEST -stdin-media-type application/vnd.oci.descriptor.v1+json",
    ),
    "ratify node check": ("ratify node check", "ratify node check --root /host -o json"),
    "ratify node install": (
        "ratify node install containerd",
        "ratify node install containerd --undo --write",
    ),
    "ratify node install containerd": (
        "ratify node install containerd",
        "ratify node install containerd --on-daemon-missing verify -c /etc/ratify/ratify.yaml --write",
    ),
    "ratify node install docker": ("ratify node install docker", "ratify node install docker --write"),
    "ratify node install nri": (
        "ratify node install nri --write",
        "ratify node install nri --crio /etc/crio/crio.conf.d",
    ),
    "ratify prove": (
        "ratify prove --image registry.example.com/unsigned:v1 --pod --namespace default",
        "ratify prove --image registry.example.com/unsigned:v1 --containerd /run/containerd/containerd.sock",
    ),
    "ratify completion": (
        "ratify completion bash > /etc/bash_completion.d/ratify",
        "ratify completion zsh > ~/.zfunc/_ratify",
    ),
    "ratify help": ("ratify help verify", "ratify help config check"),
    "ratify version": ("ratify version", "ratify --version"),
}
