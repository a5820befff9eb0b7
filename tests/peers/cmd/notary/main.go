// Command notary signs and verifies images with the Notary Project's own
// library: the independent opinion that our verdicts are compared with.
//
//	notary sign -key FILE -chain FILE [-media-type jws|cose] [-expiry 1h] [-metadata KEY=VALUE]... [-tsa URL -tsa-root FILE] [-plain-http] REF
//	notary verify -ca FILE [-tsa FILE] [-identity SUBJECT]... [-level strict] [-plugins DIR] [-plain-http] REF
//
// verify exits with 0 when the image is trusted and with 1 when it is not.
package main

import (
	"context"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/notaryproject/notation-core-go/signature/cose"
	"github.com/notaryproject/notation-core-go/signature/jws"
	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/dir"
	"github.com/notaryproject/notation-go/plugin"
	"github.com/notaryproject/notation-go/registry"
	"github.com/notaryproject/notation-go/signer"
	"github.com/notaryproject/notation-go/verifier"
	"github.com/notaryproject/tspclient-go"
	"oras.land/oras-go/v2/registry/remote"

	"pyratify.test/peers/internal/serve"
	"pyratify.test/peers/internal/trust"
)

var mediaTypes = map[string]string{"jws": jws.MediaTypeEnvelope, "cose": cose.MediaTypeEnvelope}

func main() {
	commands := map[string]func([]string) error{"sign": sign, "verify": verify}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		serve.Must(errors.New("usage: notary sign|verify [flags] REF"))
	}
	serve.Must(commands[os.Args[1]](os.Args[2:]))
}

func sign(args []string) error {
	flags := flag.NewFlagSet("sign", flag.ExitOnError)
	key := flags.String("key", "", "private key (PEM, PKCS#8)")
	chain := flags.String("chain", "", "certificate chain (PEM), leaf first")
	mediaType := flags.String("media-type", "jws", "envelope: jws or cose")
	expiry := flags.Duration("expiry", 0, "life of the signature in whole seconds; 0: for ever")
	var metadata stringList
	flags.Var(&metadata, "metadata", "what to write into the signed payload, as key=value; repeatable")
	tsa := flags.String("tsa", "", "address of a timestamp authority (RFC 3161)")
	tsaRoot := flags.String("tsa-root", "", "roots of that timestamp authority (PEM)")
	plainHTTP := flags.Bool("plain-http", false, "speak http to the registry")
	_ = flags.Parse(args)

	envelope, known := mediaTypes[*mediaType]
	if !known {
		return fmt.Errorf("unknown media type %q", *mediaType)
	}
	repository, reference, err := open(flags.Arg(0), *plainHTTP)
	if err != nil {
		return err
	}
	notary, err := signer.NewGenericSignerFromFiles(*key, *chain)
	if err != nil {
		return err
	}
	options := notation.SignOptions{ArtifactReference: reference}
	options.SignatureMediaType = envelope
	options.ExpiryDuration = expiry.Truncate(time.Second)
	options.UserMetadata = pairs(metadata)
	if err := stamp(&options, *tsa, *tsaRoot); err != nil {
		return err
	}
	target, err := notation.Sign(context.Background(), notary, repository, options)
	if err == nil {
		fmt.Println(target.Digest)
	}
	return err
}

func verify(args []string) error {
	var identities stringList
	flags := flag.NewFlagSet("verify", flag.ExitOnError)
	ca := flags.String("ca", "", "trust anchors (PEM)")
	tsa := flags.String("tsa", "", "roots of timestamp authorities (PEM); then timestamps are asked for")
	flags.Var(&identities, "identity", "trusted identity, as 'x509.subject: C=US, ...'; repeatable; default any")
	level := flags.String("level", "strict", "verification level")
	plugins := flags.String("plugins", "", "folder of verification plugins; they are run")
	plainHTTP := flags.Bool("plain-http", false, "speak http to the registry")
	_ = flags.Parse(args)

	if len(identities) == 0 {
		identities = stringList{"*"}
	}
	repository, reference, err := open(flags.Arg(0), *plainHTTP)
	if err != nil {
		return err
	}
	store, err := trust.Load(*ca, *tsa)
	if err != nil {
		return err
	}
	var manager plugin.Manager
	if *plugins != "" {
		manager = plugin.NewCLIManager(dir.NewSysFS(*plugins))
	}
	judge, err := verifier.New(store.Policy(*level, identities), store, manager)
	if err != nil {
		return err
	}
	options := notation.VerifyOptions{ArtifactReference: reference, MaxSignatureAttempts: 50}
	target, _, err := notation.Verify(context.Background(), judge, repository, options)
	if err == nil {
		fmt.Println(target.Digest)
	}
	return err
}

// created takes 201 for 200: Sigstore's authority answers with the one, and
// notation's client wants the other.
type created struct{}

func (created) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(request)
	if err == nil && response.StatusCode == http.StatusCreated {
		response.StatusCode = http.StatusOK
	}
	return response, err
}

// stamp asks for a timestamp where an address is given.
func stamp(options *notation.SignOptions, address, root string) error {
	if address == "" {
		return nil
	}
	client := &http.Client{Transport: created{}, Timeout: 10 * time.Second}
	timestamper, err := tspclient.NewHTTPTimestamper(client, address)
	if err != nil {
		return err
	}
	roots, err := os.ReadFile(root)
	if err != nil {
		return err
	}
	options.Timestamper = timestamper
	options.TSARootCAs = x509.NewCertPool()
	if !options.TSARootCAs.AppendCertsFromPEM(roots) {
		return fmt.Errorf("no certificate in %s", root)
	}
	return nil
}

func pairs(texts []string) map[string]string {
	found := map[string]string{}
	for _, text := range texts {
		key, value, _ := strings.Cut(text, "=")
		found[key] = value
	}
	return found
}

// open resolves a tag, for notation verifies digests only.
func open(reference string, plainHTTP bool) (registry.Repository, string, error) {
	repository, err := remote.NewRepository(reference)
	if err != nil {
		return nil, "", err
	}
	repository.PlainHTTP = plainHTTP
	target, err := repository.Resolve(context.Background(), repository.Reference.Reference)
	if err != nil {
		return nil, "", err
	}
	name := repository.Reference.Registry + "/" + repository.Reference.Repository
	return registry.NewRepository(repository), name + "@" + target.Digest.String(), nil
}

type stringList []string

func (l *stringList) String() string { return strings.Join(*l, "; ") }

func (l *stringList) Set(value string) error {
	*l = append(*l, value)
	return nil
}
