// Package trust makes notation's trust policy and trust store out of a
// certificate file and a list of identities.
package trust

import (
	"context"
	"crypto/x509"
	"fmt"

	corex509 "github.com/notaryproject/notation-core-go/x509"
	"github.com/notaryproject/notation-go/verifier/trustpolicy"
	"github.com/notaryproject/notation-go/verifier/truststore"

	// The envelope formats register themselves.
	_ "github.com/notaryproject/notation-core-go/signature/cose"
	_ "github.com/notaryproject/notation-core-go/signature/jws"
)

const storeName = "peer"

// Store is a trust store with certificates of each type under the one name
// that Policy uses.
type Store struct {
	certificates []*x509.Certificate
	timestamps   []*x509.Certificate
}

// Load reads the PEM certificates of the trust anchor, and those of timestamp
// authorities where a second file is named.
func Load(path, timestamps string) (*Store, error) {
	certificates, err := read(path)
	if err != nil || timestamps == "" {
		return &Store{certificates, nil}, err
	}
	roots, err := read(timestamps)
	return &Store{certificates, roots}, err
}

func read(path string) ([]*x509.Certificate, error) {
	certificates, err := corex509.ReadCertificateFile(path)
	if err != nil {
		return nil, err
	}
	if len(certificates) == 0 {
		return nil, fmt.Errorf("no certificate in %s", path)
	}
	return certificates, nil
}

// GetCertificates implements truststore.X509TrustStore.
func (s *Store) GetCertificates(_ context.Context, kind truststore.Type, name string) ([]*x509.Certificate, error) {
	found := map[truststore.Type][]*x509.Certificate{
		truststore.TypeCA:  s.certificates,
		truststore.TypeTSA: s.timestamps,
	}[kind]
	if len(found) == 0 || name != storeName {
		return nil, fmt.Errorf("no trust store %s:%s", kind, name)
	}
	return found, nil
}

// Policy is a trust policy for all repositories at the level given; it asks
// for timestamps where the store has authorities for them.
func (s *Store) Policy(level string, identities []string) *trustpolicy.Document {
	stores := []string{"ca:" + storeName}
	if len(s.timestamps) > 0 {
		stores = append(stores, "tsa:"+storeName)
	}
	return &trustpolicy.Document{
		Version: "1.0",
		TrustPolicies: []trustpolicy.TrustPolicy{{
			Name:                  "peer",
			RegistryScopes:        []string{"*"},
			SignatureVerification: trustpolicy.SignatureVerification{VerificationLevel: level},
			TrustStores:           stores,
			TrustedIdentities:     identities,
		}},
	}
}
