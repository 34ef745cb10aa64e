package wire

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/oklog/ulid/v2"

	"shirase/internal/aws/dynamo"
	"shirase/internal/config"
	"shirase/internal/incident"
	"shirase/internal/message"
)

// Handle takes one raw event and answers what Lambda is to be answered.
type Handle func(context.Context, json.RawMessage) (any, error)

// Wire is what every function has.
type Wire struct {
	Config   config.AWS
	AWS      aws.Config
	Tables   dynamo.Tables
	Store    *dynamo.Store
	Families map[incident.Channel]incident.Family
	Log      *slog.Logger
}

// Start runs a function for good. Needs are the settings it cannot do without.
// A function that cannot be built says why in its log and ends, so that Lambda
// reports it and tries again.
func Start(needs []string, build func(context.Context, *Wire) (Handle, error)) {
	w, err := load(needs)
	if err == nil {
		var h Handle
		if h, err = build(context.Background(), w); err == nil {
			lambda.Start(h)
			return
		}
	}
	slog.New(slog.NewJSONHandler(os.Stderr, nil)).Error("function not started", "error", err)
	os.Exit(1)
}

func load(needs []string) (*Wire, error) {
	c, err := config.LoadAWS()
	if err != nil {
		return nil, err
	}
	if err := c.Check(needs...); err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	w := &Wire{
		Config: c, AWS: clients(c), Families: message.Families(), Log: logger(c),
		Tables: dynamo.Tables{Incidents: c.Incidents, Subscribers: c.Subscribers, Deliveries: c.Deliveries},
	}
	w.Store = dynamo.New(dynamodb.NewFromConfig(w.AWS), w.Tables, time.Now)
	return w, nil
}

// clients answers what every client is made of. It is put together by hand:
// Lambda gives the region and the credentials, and everything else that the
// SDK's own loader looks for would only make the start slower.
func clients(c config.AWS) aws.Config {
	out := aws.Config{
		Region:      c.Region,
		Credentials: credentials.NewStaticCredentialsProvider(c.KeyID, string(c.Key), string(c.Session)),
		HTTPClient:  shared(),
	}
	if c.Endpoint != "" {
		out.BaseEndpoint = aws.String(c.Endpoint)
	}
	return out
}

// The limits of the HTTP client that all clients share.
const (
	// idle is how many connections to one service are kept open. A wave has 16 calls,
	// and some stores have a few waves at once; the SDK keeps 10, so that a wave would
	// shake hands six times anew.
	idle = 64
	// services is how many services a function speaks to at once.
	services = 4
	// attempt is how long one attempt of a call may take, from dialling to the end of
	// the answer; the SDK itself knows no limit, so that a dead connection would last
	// until Lambda ends the function. A healthy call takes a tenth of a second, and
	// three attempts fit into a request of API Gateway. Calls that must not be made
	// twice take longer; see [shirase/internal/aws/once.Patient].
	attempt = 5 * time.Second
)

// shared answers one HTTP client for all clients of a function, and so one pool of
// connections: the SDK would make one for each client, and several stores speak to
// DynamoDB. It is frozen, since the SDK copies any other, pool and all. The limit
// is that of an exchange. The SDK's read timeout is none: it runs while a connection
// rests, and would end a call that comes just before.
func shared() aws.HTTPClient {
	return awshttp.NewBuildableClient().WithTimeout(attempt).WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost, t.MaxIdleConns = idle, services*idle
	}).Freeze()
}

// NewID answers an id that sorts by time.
func NewID() string { return ulid.Make().String() }

// Jitter varies a wait by up to a fifth, so that those who wait for the same do
// not come back at once.
func Jitter(d time.Duration) time.Duration {
	return d - time.Duration(rand.Int64N(max(1, int64(d)/5))) //nolint:gosec // no secret
}
