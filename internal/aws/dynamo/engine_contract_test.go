//go:build contract

package dynamo_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"shirase/internal/aws/dynamo"
	"shirase/internal/aws/enginetest"
)

// made counts the sets of tables of this test binary.
var made atomic.Int64

// fresh answers a client of an engine and tables of its own.
func fresh(t *testing.T, api *dynamodb.Client) dynamo.Tables {
	t.Helper()
	n := made.Add(1)
	tables := dynamo.Tables{
		Incidents:   fmt.Sprintf("incidents-%d", n),
		Subscribers: fmt.Sprintf("subscribers-%d", n),
		Deliveries:  fmt.Sprintf("deliveries-%d", n),
	}
	for _, in := range dynamo.Schema(tables) {
		_, err := api.CreateTable(t.Context(), in)
		// The SDK asks again where the answer was lost, and then it is there.
		if _, there := errors.AsType[*types.ResourceInUseException](err); err != nil && !there {
			t.Fatal(err)
		}
	}
	return tables
}

// clients answers a client of every engine, by its name.
func clients(t *testing.T) map[string]*dynamodb.Client {
	t.Helper()
	out := map[string]*dynamodb.Client{}
	for name, config := range enginetest.All(t) {
		out[name] = dynamodb.NewFromConfig(config)
	}
	return out
}
