// Package serve runs a handler on a loopback address and says where.
package serve

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// Files are those of a server that speaks TLS 1.3; without them it speaks http.
type Files struct{ Cert, Key, Clients string }

// Announce listens on address, prints the address in use (port 0 picks a free
// one) as the first line of standard output and serves until the process ends.
func Announce(address string, handler http.Handler, files ...Files) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	if len(files) == 0 || files[0].Cert == "" {
		return server.Serve(listener)
	}
	if server.TLSConfig, err = files[0].config(); err != nil {
		return err
	}
	return server.ServeTLS(listener, files[0].Cert, files[0].Key)
}

func (f Files) config() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS13}
	if f.Clients == "" {
		return config, nil
	}
	text, err := os.ReadFile(f.Clients)
	if err != nil {
		return nil, err
	}
	config.ClientCAs = x509.NewCertPool()
	config.ClientCAs.AppendCertsFromPEM(text)
	config.ClientAuth = tls.RequireAndVerifyClientCert
	return config, nil
}

// Must ends the program with the error's text, when there is one.
func Must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}
