//go:build contract

package dynamo_test

import (
	"testing"

	"shirase/internal/access"
	"shirase/internal/aws/dynamo"
	"shirase/internal/porttest"
)

func TestAccessKeepsItsContract(t *testing.T) {
	t.Parallel()
	for name, api := range clients(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			porttest.Access(t, func(t *testing.T) access.Store {
				t.Helper()
				return dynamo.NewAccess(api, fresh(t, api))
			})
		})
	}
}

// TestCountKeepsItsContract holds on these engines, although a count is eventually
// consistent on AWS: they have one copy.
func TestCountKeepsItsContract(t *testing.T) {
	t.Parallel()
	for name, api := range clients(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			porttest.Count(t, func(t *testing.T) porttest.CountStore {
				t.Helper()
				return openBook(t, api, fresh(t, api))
			})
		})
	}
}
