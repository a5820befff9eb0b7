# The real programs that tests/interop and bench/ try pyratify against, built from public Go modules into the user's
# cache folder, so that every checkout finds them again. Included by the Makefile.

PEERS_HOME ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/pyratify/peers
PEERS_BIN := $(PEERS_HOME)/bin
PEERS_OWN := registry notary ratify-peer
PEERS_SOURCES := $(wildcard tests/peers/go.* tests/peers/cmd/*/*.go tests/peers/internal/*/*.go)

.PHONY: peers peers-go peers-docker interop e2e

peers: ## Build the real programs that interop and bench use (needs Go)

# A stamp for each program and version: nothing is built twice.
peers: $(PEERS_BIN)/.crane-v0.22.1 $(PEERS_BIN)/.oras-v1.3.6 $(PEERS_BIN)/.cosign-v3.1.3 $(PEERS_BIN)/.cosign2-v2.6.5 \
		$(PEERS_BIN)/.timestamp-server-v1.2.9 $(PEERS_BIN)/.fulcio-v1.8.8 $(PEERS_BIN)/.rekor-v2.3.0 \
		$(PEERS_BIN)/.gatekeeper-v3.23.1 $(PEERS_BIN)/.gator-v3.23.1 $(PEERS_BIN)/.helm-v3.19.0 \
		$(PEERS_BIN)/.containerd-v2.4.2 $(PEERS_BIN)/.ctr-v2.4.2 $(PEERS_BIN)/.containerd-shim-runc-v2-v2.4.2 \
		$(PEERS_BIN)/.opa-v1.17.1 $(PEERS_BIN)/.cri-v0.34.4 \
		$(PEERS_BIN)/.etcd-v3.6.8 $(PEERS_BIN)/.kube-apiserver-v1.34.4 $(PEERS_BIN)/.kubectl-v1.34.4 \
		$(PEERS_HOME)/share/.gatekeeper-v3.23.1 $(addprefix $(PEERS_BIN)/,$(PEERS_OWN)) \
		$(PEERS_BIN)/.vault-v1.21.1
	@echo "peers: ready in $(PEERS_BIN)"

peers-go:
	@command -v go >/dev/null 2>&1 || { \
		echo "make peers builds Go programs: install Go 1.26 or newer (https://go.dev/dl) and put it in PATH." >&2; exit 1; }

# $(call go_install,NAME,MODULE PATH,VERSION,FLAGS): `go install` names the program after its path, so it is built aside and renamed.
define go_install
$(PEERS_BIN)/.$(1)-$(3): | peers-go
	@mkdir -p $(PEERS_BIN)
	@echo "peers: building $(1) $(3)"
	@aside=$$$$(mktemp -d) && GOBIN=$$$$aside GOFLAGS= go install $(4) -ldflags='-s -w' $(2)@$(3) \
		&& mv -f $$$$aside/* $(PEERS_BIN)/$(1) && rmdir $$$$aside && rm -f $(PEERS_BIN)/.$(1)-* && touch $$@
endef

$(eval $(call go_install,crane,github.com/google/go-containerregistry/cmd/crane,v0.22.1))
$(eval $(call go_install,oras,oras.land/oras/cmd/oras,v1.3.6))
$(eval $(call go_install,cosign,github.com/sigstore/cosign/v3/cmd/cosign,v3.1.3))
$(eval $(call go_install,cosign2,github.com/sigstore/cosign/v2/cmd/cosign,v2.6.5))
$(eval $(call go_install,timestamp-server,github.com/sigstore/timestamp-authority/cmd/timestamp-server,v1.2.9))

$(eval $(call go_install,fulcio,github.com/sigstore/fulcio,v1.8.8))
$(eval $(call go_install,rekor,github.com/sigstore/rekor-tiles/v2/cmd/rekor-server/posix,v2.3.0))
$(eval $(call go_install,gatekeeper,github.com/open-policy-agent/gatekeeper/v3,v3.23.1))
$(eval $(call go_install,gator,github.com/open-policy-agent/gatekeeper/v3/cmd/gator,v3.23.1))
$(eval $(call go_install,helm,helm.sh/helm/v3/cmd/helm,v3.19.0))
$(eval $(call go_install,opa,github.com/open-policy-agent/opa,v1.17.1))

# Without the snapshotters that need libraries of C.
CONTAINERD_TAGS := -tags=no_btrfs,no_devmapper,no_zfs
$(eval $(call go_install,containerd,github.com/containerd/containerd/v2/cmd/containerd,v2.4.2,$(CONTAINERD_TAGS)))
$(eval $(call go_install,ctr,github.com/containerd/containerd/v2/cmd/ctr,v2.4.2,$(CONTAINERD_TAGS)))
$(eval $(call go_install,containerd-shim-runc-v2,github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2,v2.4.2,$(CONTAINERD_TAGS)))

# $(call go_module,NAME,FOLDER,PACKAGE,VERSION): programs that refuse `go install` are built from a module of ours that requires them.
define go_module
$(PEERS_BIN)/.$(1)-$(4): tests/peers/$(2)/go.mod tests/peers/$(2)/go.sum | peers-go
	@mkdir -p $(PEERS_BIN)
	@echo "peers: building $(1) $(4)"
	@cd tests/peers/$(2) && GOFLAGS= go build -trimpath -ldflags='-s -w' -o $(PEERS_BIN)/$(1) $(3) \
		&& rm -f $(PEERS_BIN)/.$(1)-* && touch $$@
endef

$(eval $(call go_module,cri,cri,.,v0.34.4))
$(PEERS_BIN)/.cri-v0.34.4: tests/peers/cri/main.go
$(eval $(call go_module,vault,vault,github.com/hashicorp/vault,v1.21.1))
$(eval $(call go_module,etcd,etcd,go.etcd.io/etcd/server/v3,v3.6.8))
$(eval $(call go_module,kube-apiserver,kubernetes,k8s.io/kubernetes/cmd/kube-apiserver,v1.34.4))
$(eval $(call go_module,kubectl,kubernetes,k8s.io/kubernetes/cmd/kubectl,v1.34.4))

# Gatekeeper's own manifest lies in its module; tests read it where there is no Go.
$(PEERS_HOME)/share/.gatekeeper-v3.23.1: | peers-go
	@mkdir -p $(@D)
	@cd /tmp && module=$$(GOFLAGS= GO111MODULE=on go mod download -json github.com/open-policy-agent/gatekeeper/v3@v3.23.1 \
		| sed -n 's/.*"Dir": "\(.*\)".*/\1/p') && install -m 644 "$$module/deploy/gatekeeper.yaml" $(@D)/gatekeeper.yaml && touch $@

$(addprefix $(PEERS_BIN)/,$(PEERS_OWN)): $(PEERS_BIN)/%: $(PEERS_SOURCES) | peers-go
	@mkdir -p $(PEERS_BIN)
	@echo "peers: building $*"
	@cd tests/peers && GOFLAGS= go build -trimpath -o $@ ./cmd/$*

interop: $(VENV)/.dev ## Try our command against the real programs (after make peers)
	$(VENV)/bin/pytest -m interop tests/interop $(PYTEST_ARGS)

e2e: $(VENV)/.dev ## Try the provider in a real cluster on loopback (after make peers)
	$(VENV)/bin/pytest -m e2e tests/e2e $(PYTEST_ARGS)

# The Docker daemon and its parts from Debian's packages, unpacked and not installed; the client is among them or a package of its own.
DEBIAN_DOCKER := docker.io docker-cli containerd runc libdevmapper1.02.1
peers-docker: ## Unpack the Docker daemon that e2e uses (needs apt)
	@command -v apt-get >/dev/null 2>&1 && command -v dpkg >/dev/null 2>&1 || { \
		echo "make peers-docker unpacks Debian packages: it needs apt-get and dpkg." >&2; exit 1; }
	@mkdir -p $(PEERS_HOME)/docker
	@aside=$$(mktemp -d) && cd $$aside && for name in $(DEBIAN_DOCKER); do \
		apt-get download -qq $$name 2>/dev/null || echo "peers: there is no package $$name"; done \
		&& for file in *.deb; do dpkg -x $$file $(PEERS_HOME)/docker || exit 1; done && rm -rf $$aside
	@test -x $(PEERS_HOME)/docker/usr/sbin/dockerd && echo "peers: Docker is in $(PEERS_HOME)/docker"
