// Command ratify-peer is the engine inside Ratify v2's provider behind the
// smallest HTTP server: what our own speed is measured against.
//
//	POST /verify {"references": ["host/repo@sha256:..."]}  -> {"results": [...]}
//	POST /ratify/gatekeeper/v2/verify, as Gatekeeper asks  -> a ProviderResponse
//	GET  /cpu                                              -> {"cpuSeconds": 1.5, "rssBytes": 1}
//
// Nothing is remembered between two verifications but connections, so each is
// cold; Gatekeeper's requests have a cache of verdicts where -ttl says so. The first line printed is the address the server listens on.
//
// Only the notation verifier is here: the cosign one of the same modules always
// asks for an observed timestamp, which a key-based signature without a
// transparency log does not have, so it refuses all of them.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/notaryproject/ratify-go"
	"github.com/notaryproject/ratify-verifier-go/notation"

	"pyratify.test/peers/internal/serve"
	"pyratify.test/peers/internal/trust"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address to listen on; port 0 picks a free one")
	plainHTTP := flag.Bool("plain-http", false, "speak http to the registry")
	ca := flag.String("ca", "", "notation's trust anchors (PEM)")
	ttl := flag.Duration("ttl", 0, "how long verdicts for Gatekeeper are kept")
	cert := flag.String("cert", "", "serve over TLS 1.3 with this certificate (PEM)")
	key := flag.String("key", "", "its key (PEM)")
	clients := flag.String("clients", "", "ask clients for a certificate of this authority (PEM)")
	flag.Parse()

	executor, err := newExecutor(*ca, *plainHTTP)
	serve.Must(err)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /verify", verifyHandler(executor))
	mux.Handle("POST /ratify/gatekeeper/v2/verify", &gatekeeper{executor: executor, ttl: *ttl})
	mux.HandleFunc("GET /cpu", cpuHandler)
	serve.Must(serve.Announce(*listen, mux, serve.Files{Cert: *cert, Key: *key, Clients: *clients}))
}

func newExecutor(ca string, plainHTTP bool) (*ratify.Executor, error) {
	anchors, err := trust.Load(ca, "")
	if err != nil {
		return nil, err
	}
	verifier, err := notation.NewVerifier(&notation.VerifierOptions{
		Name:           "notation",
		TrustPolicyDoc: anchors.Policy("strict", []string{"*"}),
		TrustStore:     anchors,
	})
	if err != nil {
		return nil, err
	}
	policy, err := ratify.NewThresholdPolicyEnforcer(&ratify.ThresholdPolicyRule{
		Threshold: 1,
		Rules:     []*ratify.ThresholdPolicyRule{{Verifier: "notation"}},
	})
	if err != nil {
		return nil, err
	}
	store := ratify.NewRegistryStore(ratify.RegistryStoreOptions{PlainHTTP: plainHTTP})
	return ratify.NewExecutor(store, []ratify.Verifier{verifier}, policy)
}

type verdict struct {
	Reference string `json:"reference"`
	Succeeded bool   `json:"succeeded"`
	Reports   int    `json:"reports"`
	Error     string `json:"error,omitempty"`
}

func verifyHandler(executor *ratify.Executor) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var request struct {
			References []string `json:"references"`
		}
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		results := make([]verdict, 0, len(request.References))
		for _, reference := range request.References {
			results = append(results, verify(r.Context(), executor, reference))
		}
		answer(w, map[string]any{"results": results})
	}
}

func verify(ctx context.Context, executor *ratify.Executor, reference string) verdict {
	result, err := executor.ValidateArtifact(ctx, ratify.ValidateArtifactOptions{Subject: reference})
	if err != nil {
		return verdict{Reference: reference, Error: err.Error()}
	}
	return verdict{Reference: reference, Succeeded: result.Succeeded, Reports: len(result.ArtifactReports)}
}

// cpuHandler reports what the process has used so far: processor time of user
// and system together, and the memory resident now.
func cpuHandler(w http.ResponseWriter, _ *http.Request) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	used := time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	answer(w, map[string]any{"cpuSeconds": used.Seconds(), "rssBytes": residentBytes()})
}

// residentBytes reads the second field of /proc/self/statm: resident pages.
func residentBytes() int {
	text, err := os.ReadFile("/proc/self/statm")
	if fields := strings.Fields(string(text)); err == nil && len(fields) > 1 {
		pages, _ := strconv.Atoi(fields[1])
		return pages * os.Getpagesize()
	}
	return 0
}

func answer(w http.ResponseWriter, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}
