# The real programs that tests/interop and bench/ try pyratify against, built from public Go modules into the user's
# cache folder, so that every checkout finds them again. Included by the Makefile.

PEERS_HOME ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/pyratify/peers
PEERS_BIN := $(PEERS_HOME)/bin
PEERS_OWN := registry notary ratify-peer
PEERS_SOURCES := $(wildcard tests/peers/go.* tests/peers/cmd/*/*.go tests/peers/internal/*/*.go)

.PHONY: peers peers-go interop

peers: ## Build the real programs that interop and bench use (needs Go)

# A stamp for each program and version: nothing is built twice.
peers: $(PEERS_BIN)/.crane-v0.22.1 $(PEERS_BIN)/.oras-v1.3.6 $(PEERS_BIN)/.cosign-v3.1.3 $(PEERS_BIN)/.cosign2-v2.6.5 \
		$(PEERS_BIN)/.timestamp-server-v1.2.9 \
		$(addprefix $(PEERS_BIN)/,$(PEERS_OWN))
	@echo "peers: ready in $(PEERS_BIN)"

peers-go:
	@command -v go >/dev/null 2>&1 || { \
		echo "make peers builds Go programs: install Go 1.26 or newer (https://go.dev/dl) and put it in PATH." >&2; exit 1; }

# $(call go_install,NAME,MODULE PATH,VERSION): `go install` names the program after its path, so it is built aside and renamed.
define go_install
$(PEERS_BIN)/.$(1)-$(3): | peers-go
	@mkdir -p $(PEERS_BIN)
	@echo "peers: building $(1) $(3)"
	@aside=$$$$(mktemp -d) && GOBIN=$$$$aside GOFLAGS= go install -ldflags='-s -w' $(2)@$(3) \
		&& mv -f $$$$aside/* $(PEERS_BIN)/$(1) && rmdir $$$$aside && rm -f $(PEERS_BIN)/.$(1)-* && touch $$@
endef

$(eval $(call go_install,crane,github.com/google/go-containerregistry/cmd/crane,v0.22.1))
$(eval $(call go_install,oras,oras.land/oras/cmd/oras,v1.3.6))
$(eval $(call go_install,cosign,github.com/sigstore/cosign/v3/cmd/cosign,v3.1.3))
$(eval $(call go_install,cosign2,github.com/sigstore/cosign/v2/cmd/cosign,v2.6.5))
$(eval $(call go_install,timestamp-server,github.com/sigstore/timestamp-authority/cmd/timestamp-server,v1.2.9))

$(addprefix $(PEERS_BIN)/,$(PEERS_OWN)): $(PEERS_BIN)/%: $(PEERS_SOURCES) | peers-go
	@mkdir -p $(PEERS_BIN)
	@echo "peers: building $*"
	@cd tests/peers && GOFLAGS= go build -trimpath -o $@ ./cmd/$*

interop: $(VENV)/.dev ## Try our command against the real programs (after make peers)
	$(VENV)/bin/pytest -m interop tests/interop $(PYTEST_ARGS)
