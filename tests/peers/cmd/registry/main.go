// Command registry is an in-memory OCI registry on loopback, for tests: with or
// without the referrers API, slow on request, and able to log what it was asked.
// The first line it prints is the address it listens on.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"

	"pyratify.test/peers/internal/serve"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address to listen on; port 0 picks a free one")
	referrers := flag.Bool("referrers", true, "serve the referrers API")
	delay := flag.Duration("delay", 0, "wait this long before each answer")
	logFile := flag.String("log", "", "append a line 'METHOD PATH' for each request to this file")
	flag.Parse()

	handler := registry.New(
		registry.WithReferrersSupport(*referrers),
		registry.Logger(log.New(io.Discard, "", 0)),
	)
	if !*referrers {
		handler = withoutReferrers(handler)
	}
	handler = after(*delay, handler)
	if *logFile != "" {
		out, err := os.OpenFile(*logFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		serve.Must(err)
		handler = logged(out, handler)
	}
	serve.Must(serve.Announce(*listen, handler))
}

// withoutReferrers answers 404 with a body that is no OCI error, as a registry
// does that has never heard of the API.
func withoutReferrers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/referrers/") {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// after waits before each answer: the distance to a registry.
func after(delay time.Duration, next http.Handler) http.Handler {
	if delay <= 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(delay)
		next.ServeHTTP(w, r)
	})
}

// logged writes one line for each request, before it is answered.
func logged(out io.Writer, next http.Handler) http.Handler {
	var mutex sync.Mutex
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mutex.Lock()
		fmt.Fprintln(out, r.Method, r.URL.RequestURI())
		mutex.Unlock()
		next.ServeHTTP(w, r)
	})
}
