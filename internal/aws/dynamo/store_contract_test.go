//go:build contract

package dynamo_test

import (
	"testing"
	"time"

	"shirase/internal/announce"
	"shirase/internal/aws/dynamo"
	"shirase/internal/deliver"
	"shirase/internal/porttest"
)

func still() time.Time { return porttest.Start }

func TestStoreKeepsItsContracts(t *testing.T) {
	t.Parallel()
	for name, api := range clients(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			open := func(t *testing.T, now func() time.Time) *dynamo.Store {
				t.Helper()
				return dynamo.New(api, fresh(t, api), now, parse)
			}
			t.Run("announce", func(t *testing.T) {
				t.Parallel()
				porttest.Announce(t, func(t *testing.T, now func() time.Time) porttest.AnnounceStore {
					t.Helper()
					return open(t, now)
				})
			})
			t.Run("plans", func(t *testing.T) {
				t.Parallel()
				porttest.Plans(t, func(t *testing.T) announce.Plans {
					t.Helper()
					return open(t, still)
				}, [2][]byte{[]byte("first"), []byte("the second")}, []byte("bad"))
			})
			t.Run("jobs", func(t *testing.T) {
				t.Parallel()
				porttest.Jobs(t, func(t *testing.T) deliver.Jobs {
					t.Helper()
					return open(t, still)
				})
			})
		})
	}
}
