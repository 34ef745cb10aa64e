package embedded_test

import (
	"testing"

	"shirase/internal/access"
	"shirase/internal/embedded"
	"shirase/internal/porttest"
)

func TestAccess(t *testing.T) {
	t.Parallel()
	for name, open := range backends() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			porttest.Access(t, func(t *testing.T) access.Store {
				t.Helper()
				return embedded.NewAccess(open(t))
			})
		})
	}
}

func TestCount(t *testing.T) {
	t.Parallel()
	for name, open := range backends() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			porttest.Count(t, func(t *testing.T) porttest.CountStore {
				t.Helper()
				b, err := embedded.NewBook(open(t), 4)
				if err != nil {
					t.Fatal(err)
				}
				return b
			})
		})
	}
}
