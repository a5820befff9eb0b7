// Package serve runs a handler on a loopback address and says where.
package serve

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// Announce listens on address, prints the address in use (port 0 picks a free
// one) as the first line of standard output and serves until the process ends.
func Announce(address string, handler http.Handler) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	return server.Serve(listener)
}

// Must ends the program with the error's text, when there is one.
func Must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}
