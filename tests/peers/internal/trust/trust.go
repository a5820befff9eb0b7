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

// Store is a trust store with the same certificates under the one name that
// Policy uses.
type Store struct{ certificates []*x509.Certificate }

// Load reads the PEM certificates of the trust anchor.
func Load(path string) (*Store, error) {
	certificates, err := corex509.ReadCertificateFile(path)
	if err != nil {
		return nil, err
	}
	if len(certificates) == 0 {
		return nil, fmt.Errorf("no certificate in %s", path)
	}
	return &Store{certificates}, nil
}

// GetCertificates implements truststore.X509TrustStore.
func (s *Store) GetCertificates(_ context.Context, kind truststore.Type, name string) ([]*x509.Certificate, error) {
	if kind != truststore.TypeCA || name != storeName {
		return nil, fmt.Errorf("no trust store %s:%s", kind, name)
	}
	return s.certificates, nil
}

// Policy is a trust policy for all repositories at the level given.
func Policy(level string, identities []string) *trustpolicy.Document {
	return &trustpolicy.Document{
		Version: "1.0",
		TrustPolicies: []trustpolicy.TrustPolicy{{
			Name:                  "peer",
			RegistryScopes:        []string{"*"},
			SignatureVerification: trustpolicy.SignatureVerification{VerificationLevel: level},
			TrustStores:           []string{"ca:" + storeName},
			TrustedIdentities:     identities,
		}},
	}
}
