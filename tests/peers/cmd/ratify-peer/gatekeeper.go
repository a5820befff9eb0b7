package main

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/notaryproject/ratify-go"
	"golang.org/x/sync/singleflight"
)

// gatekeeper answers Gatekeeper's external data requests in the shape of Ratify
// v2: the keys of a request together, equal keys at the same time once, and
// verdicts from a cache by key for as long as ttl.
type gatekeeper struct {
	executor *ratify.Executor
	ttl      time.Duration
	verdicts sync.Map
	flights  singleflight.Group
}

type kept struct {
	item  item
	until time.Time
}

type item struct {
	Key   string `json:"key"`
	Value any    `json:"value,omitempty"`
	Error string `json:"error,omitempty"`
}

type value struct {
	Succeeded       bool      `json:"succeeded"`
	ArtifactReports []*report `json:"artifactReports"`
}

type report struct {
	Subject         string    `json:"subject"`
	Artifact        string    `json:"artifact"`
	Results         []outcome `json:"results"`
	ArtifactReports []*report `json:"artifactReports"`
}

type outcome struct {
	VerifierName string `json:"verifierName"`
	Description  string `json:"description"`
	Detail       string `json:"detail"`
	ErrorReason  string `json:"errorReason,omitempty"`
}

func (g *gatekeeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Request struct {
			Keys []string `json:"keys"`
		} `json:"request"`
	}
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	items := make([]item, len(request.Request.Keys))
	var waiting sync.WaitGroup
	for i, key := range request.Request.Keys {
		if found, ok := g.verdicts.Load(key); ok && time.Now().Before(found.(kept).until) {
			items[i] = found.(kept).item
			continue
		}
		waiting.Add(1)
		go func() {
			defer waiting.Done()
			found, _, _ := g.flights.Do(key, func() (any, error) { return g.evaluate(r.Context(), key), nil })
			items[i] = found.(item)
		}()
	}
	waiting.Wait()
	answer(w, map[string]any{
		"apiVersion": "externaldata.gatekeeper.sh/v1beta1",
		"kind":       "ProviderResponse",
		"response":   map[string]any{"items": items},
	})
}

func (g *gatekeeper) evaluate(ctx context.Context, key string) item {
	result, err := g.executor.ValidateArtifact(ctx, ratify.ValidateArtifactOptions{Subject: key})
	if err != nil {
		return item{Key: key, Error: err.Error()}
	}
	found := item{Key: key, Value: value{result.Succeeded, reports(result.ArtifactReports)}}
	if g.ttl > 0 {
		g.verdicts.Store(key, kept{found, time.Now().Add(g.ttl)})
	}
	return found
}

func reports(given []*ratify.ValidationReport) []*report {
	found := make([]*report, 0, len(given))
	for _, each := range given {
		one := &report{
			Subject:         each.Subject,
			Artifact:        each.Artifact.Digest.String(),
			ArtifactReports: reports(each.ArtifactReports),
		}
		for _, result := range each.Results {
			detail, _ := json.Marshal(result.Detail)
			shown := outcome{result.Verifier.Name(), result.Description, string(detail), ""}
			if result.Err != nil {
				shown.ErrorReason = result.Err.Error()
			}
			one.Results = append(one.Results, shown)
		}
		found = append(found, one)
	}
	return found
}
