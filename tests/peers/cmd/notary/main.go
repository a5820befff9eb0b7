// Command notary signs and verifies images with the Notary Project's own
// library: the independent opinion that our verdicts are compared with.
//
//	notary sign -key FILE -chain FILE [-media-type jws|cose] [-expiry 1h] [-plain-http] REF
//	notary verify -ca FILE [-tsa FILE] [-identity SUBJECT]... [-level strict] [-plain-http] REF
//
// verify exits with 0 when the image is trusted and with 1 when it is not.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/notaryproject/notation-core-go/signature/cose"
	"github.com/notaryproject/notation-core-go/signature/jws"
	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/registry"
	"github.com/notaryproject/notation-go/signer"
	"github.com/notaryproject/notation-go/verifier"
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
	judge, err := verifier.New(store.Policy(*level, identities), store, nil)
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
