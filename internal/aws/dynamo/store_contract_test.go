//go:build contract

package dynamo_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"shirase/internal/announce"
	"shirase/internal/aws/dynamo"
	"shirase/internal/deliver"
	"shirase/internal/porttest"
)

// wholeStore is all that a store of one machine is.
type wholeStore struct {
	*dynamo.Store
	*dynamo.Agenda
}

func openStore(t *testing.T, api *dynamodb.Client, now func() time.Time) wholeStore {
	t.Helper()
	tables := fresh(t, api)
	return wholeStore{dynamo.New(api, tables, now), dynamo.NewAgenda(api, tables)}
}

func still() time.Time { return porttest.Start }

func TestStoreKeepsItsContracts(t *testing.T) {
	t.Parallel()
	for name, api := range clients(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Run("announce", func(t *testing.T) {
				t.Parallel()
				porttest.Announce(t, func(t *testing.T, now func() time.Time) porttest.AnnounceStore {
					t.Helper()
					return openStore(t, api, now)
				})
			})
			t.Run("plans", func(t *testing.T) {
				t.Parallel()
				porttest.Plans(t, func(t *testing.T) announce.Plans {
					t.Helper()
					return openStore(t, api, still)
				})
			})
			t.Run("jobs", func(t *testing.T) {
				t.Parallel()
				porttest.Jobs(t, func(t *testing.T) deliver.Jobs {
					t.Helper()
					return openStore(t, api, still)
				})
			})
		})
	}
}
