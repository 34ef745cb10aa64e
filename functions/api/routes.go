package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"shirase/functions/wire"
	"shirase/functions/wire/announcing"
	"shirase/internal/access"
	"shirase/internal/aws/dynamo"
	"shirase/internal/aws/queue"
	"shirase/internal/handler/action"
	"shirase/internal/handler/api"
	"shirase/internal/handler/public"
	"shirase/internal/handler/web"
	"shirase/internal/plan"
)

// routes answers everything that the function serves.
func routes(w *wire.Wire, root *wire.Root) (http.Handler, error) {
	ledger, err := w.Ledger()
	if err != nil {
		return nil, err
	}
	book, err := w.Book()
	if err != nil {
		return nil, err
	}
	incidents := announcing.Service(w, root)
	keys := &access.Service{
		Store: dynamo.NewAccess(dynamodb.NewFromConfig(w.AWS), w.Tables),
		First: first(root.Secret), FirstName: "first", Random: rand.Reader, Now: time.Now,
	}
	mux := http.NewServeMux()
	mux.Handle("/v1/", api.New(api.Config{
		Announce: incidents, Listing: ledger, Switches: w.Rates(), Status: w.Store,
		DeadLetters: queue.NewLot(sqs.NewFromConfig(w.AWS), w.Config.Parking),
		Keys:        keys, Access: keys, Readiness: readiness(w, book), Families: w.Families,
		Parse: func(source []byte) (*plan.Plan, error) { return plan.Parse(source, w.Families) }, Now: time.Now, Log: w.Log,
	}))
	mux.Handle("/act/", &action.Handler{
		Drafts: incidents, Plans: w.Store, Tokens: root.Tokens, Base: w.Config.PublicURL, Now: time.Now, Log: w.Log,
	})
	mux.Handle("/i/", &public.Handler{Incidents: w.Store, History: w.Store, Plans: w.Store, Base: w.Config.PublicURL, Log: w.Log})
	mux.Handle("/assets/", web.Assets{})
	return mux, nil
}

// first answers the token of the key that is there from the beginning. It is made
// from the root secret, so that the secret itself is never sent; docs/aws.md says
// how a shell makes the same.
func first(secret []byte) access.Token {
	mac := hmac.New(sha256.New, secret)
	_, _ = mac.Write([]byte("first key")) // never fails
	return access.Token("shk_first_" + hex.EncodeToString(mac.Sum(nil)))
}
