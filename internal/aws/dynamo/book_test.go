package dynamo_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"shirase/internal/aws/dynamo"
	"shirase/internal/incident"
	"shirase/internal/subscribe"
)

func stubbedBook(t *testing.T) (*keeper, *dynamo.Subscriptions) {
	t.Helper()
	s, api := newKeeper(t)
	b, err := dynamo.NewSubscriptions(api, oneOfEach, 4)
	if err != nil {
		t.Fatal(err)
	}
	return s, b
}

func reader() subscribe.Record {
	return subscribe.Record{Subscriber: incident.Subscriber{
		ID: "r1", Audience: incident.Customers, Channel: incident.Email, Address: "r@reader.example", State: incident.Active,
	}}
}

func TestAConflictTellsNobodysAddress(t *testing.T) {
	t.Parallel()
	s, b := stubbedBook(t)
	for f, want := range map[fault]error{cancel: incident.ErrConflict, locked: incident.ErrConflict, refuse: nil} {
		s.fails(func(string, string) fault { return f })
		err := b.Commit(t.Context(), subscribe.Change{Record: reader()})
		if err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("Commit that meets %q = %v, want %v", f, err, want)
		}
		if text := fmt.Sprintf("%+v", err); strings.Contains(text, "@") {
			t.Errorf("Commit that meets %q tells an address: %s", f, text)
		}
	}
}

func TestAChangeThatIsTooLargeForATransaction(t *testing.T) {
	t.Parallel()
	s, b := stubbedBook(t)
	c := subscribe.Change{Record: reader()}
	for n := range 100 {
		c.Work = append(c.Work, subscribe.Work{ID: fmt.Sprint(n), Kind: subscribe.WorkLapse, Key: c.Record.Key(), Due: start})
	}
	if err := b.Commit(t.Context(), c); !errors.Is(err, incident.ErrInvalid) {
		t.Errorf("Commit of 102 writes = %v, want ErrInvalid", err)
	}
	if _, writes := s.used(); writes != 0 {
		t.Errorf("it made %d calls, want none", writes)
	}
}

// TestSuppressWaitsForTransactions meets one that holds the recipient's item.
func TestSuppressWaitsForTransactions(t *testing.T) {
	t.Parallel()
	for held, want := range map[int]error{0: nil, 7: nil, 8: incident.ErrConflict} {
		s, b := stubbedBook(t)
		s.fails(func(string, string) fault {
			if s.attempts <= held {
				return locked
			}
			return ""
		})
		err := b.Suppress(t.Context(), subscribe.Suppression{Channel: incident.Email, ID: "r1", Reason: subscribe.Bounced, At: start})
		if !errors.Is(err, want) {
			t.Errorf("Suppress that meets a transaction %d times = %v, want %v", held, err, want)
		}
	}
}

func TestACapThatAllowsNothing(t *testing.T) {
	t.Parallel()
	_, b := stubbedBook(t)
	for _, c := range []subscribe.Cap{{}, {N: 1}, {Per: 1}, {N: -1, Per: 1}, {N: 1, Per: -1}} {
		if _, err := b.Take(t.Context(), "network#x", c, start); !errors.Is(err, incident.ErrInvalid) {
			t.Errorf("Take(%+v) = %v, want ErrInvalid", c, err)
		}
	}
}
