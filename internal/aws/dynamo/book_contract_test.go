//go:build contract

package dynamo_test

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"shirase/internal/aws/dynamo"
	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/porttest"
	"shirase/internal/subscribe"
)

// wholeBook is all that a book of one machine is.
type wholeBook struct {
	*dynamo.Book
	*dynamo.Subscriptions
}

func openBook(t *testing.T, api *dynamodb.Client, tables dynamo.Tables) wholeBook {
	t.Helper()
	b, err := dynamo.NewBook(api, tables, 4)
	if err != nil {
		t.Fatal(err)
	}
	s, err := dynamo.NewSubscriptions(api, tables, 4)
	if err != nil {
		t.Fatal(err)
	}
	return wholeBook{b, s}
}

func TestBookKeepsItsContract(t *testing.T) {
	t.Parallel()
	for name, api := range clients(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			porttest.Book(t, func(t *testing.T) (porttest.BookStore, deliver.Messages) {
				t.Helper()
				tables := fresh(t, api)
				return openBook(t, api, tables), dynamo.New(api, tables, still)
			})
		})
	}
}

// items counts what a partition of the table subscribers holds.
func items(t *testing.T, api *dynamodb.Client, tables dynamo.Tables, pk string) int {
	t.Helper()
	out, err := api.Query(t.Context(), &dynamodb.QueryInput{
		TableName: aws.String(tables.Subscribers), ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("pk = :pk"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": &types.AttributeValueMemberS{Value: pk}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return len(out.Items)
}

// TestForgettingLeavesOnlyWhatMustStay deletes all subscriptions of one recipient:
// nothing of them is left, but for the consent, and for a suppression.
func TestForgettingLeavesOnlyWhatMustStay(t *testing.T) {
	t.Parallel()
	for name, api := range clients(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, tables := t.Context(), fresh(t, api)
			b := openBook(t, api, tables)
			commit := func(id incident.RecipientID, a incident.Audience, version int, forget bool) {
				t.Helper()
				s := incident.Subscriber{ID: id, Audience: a, Channel: incident.Email, Address: "r@reader.example", State: incident.Active}
				k := subscribe.Key{Audience: a, Channel: incident.Email, ID: id}
				if err := b.Commit(ctx, subscribe.Change{
					Record: subscribe.Record{Subscriber: s, Version: version}, Delete: forget,
					Consent: []subscribe.Consent{
						{Key: k, At: porttest.Start, Event: subscribe.EventAsked}, {Key: k, At: porttest.Start, Event: subscribe.EventConfirmed},
					},
				}); err != nil {
					t.Fatal(err)
				}
			}
			for _, id := range []incident.RecipientID{"r1", "r2"} {
				commit(id, incident.Customers, 0, false)
				commit(id, incident.Staff, 0, false)
			}
			if err := b.Suppress(ctx, subscribe.Suppression{Channel: incident.Email, ID: "r1", Reason: subscribe.Bounced, At: porttest.Start}); err != nil {
				t.Fatal(err)
			}
			for _, id := range []incident.RecipientID{"r1", "r2"} {
				commit(id, incident.Customers, 1, true)
				if ss, err := b.Find(ctx, incident.Email, []incident.RecipientID{id}); err != nil || len(ss[id]) != 1 || ss[id][0].Audience != incident.Staff {
					t.Errorf("Find(%s) after one of two was deleted = %v, %v, want the other", id, ss, err)
				}
				commit(id, incident.Staff, 1, true)
				if n := items(t, api, tables, "L#customers#email#"+string(id)); n != 4 {
					t.Errorf("%s has %d entries of consent, want 4", id, n)
				}
			}
			if yes, err := b.Suppressed(ctx, incident.Email, "r1"); err != nil || !yes {
				t.Errorf("Suppressed after the last subscription is gone = %t, %v, want true", yes, err)
			}
			if n := items(t, api, tables, "R#email#r2"); n != 0 {
				t.Errorf("a recipient without anything has %d items, want 0", n)
			}
			for shard := range b.Shards() {
				if ss, _, err := b.Page(ctx, incident.Customers, incident.Email, shard, "", 10); err != nil || len(ss) != 0 {
					t.Errorf("Page(%d) = %v, %v, want nobody", shard, ss, err)
				}
			}
		})
	}
}

// TestLeavingTheList unsubscribes and comes back: only the active stand in the list.
func TestLeavingTheList(t *testing.T) {
	t.Parallel()
	for name, api := range clients(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			b := openBook(t, api, fresh(t, api))
			for version, state := range []incident.SubscriberState{incident.Pending, incident.Active, incident.Unsubscribed, incident.Active} {
				s := incident.Subscriber{ID: "r1", Audience: incident.Customers, Channel: incident.Email, Epoch: version, State: state}
				if err := b.Commit(ctx, subscribe.Change{Record: subscribe.Record{Subscriber: s, Version: version}}); err != nil {
					t.Fatal(err)
				}
				var listed []incident.Subscriber
				for shard := range b.Shards() {
					ss, _, err := b.Page(ctx, incident.Customers, incident.Email, shard, "", 10)
					if err != nil {
						t.Fatal(err)
					}
					listed = append(listed, ss...)
				}
				if want := state == incident.Active; want != (len(listed) == 1) || want && listed[0].Epoch != version {
					t.Errorf("the list of the %s holds %v, want them: %t", state, listed, want)
				}
			}
		})
	}
}

// TestWorkStaysInTheIndexUntilDone reads more than one page of work.
func TestWorkStaysInTheIndexUntilDone(t *testing.T) {
	t.Parallel()
	for name, api := range clients(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			b := openBook(t, api, fresh(t, api))
			k := subscribe.Key{Audience: incident.Customers, Channel: incident.Email, ID: "r1"}
			var ws []subscribe.Work
			for n := range 5 {
				ws = append(ws, subscribe.Work{ID: string(rune('a' + n)), Kind: subscribe.WorkLapse, Key: k, Due: porttest.Start.Add(time.Duration(n))})
			}
			twice := append(slices.Clone(ws), ws[4])
			twice[5].Due = porttest.Start.Add(-time.Hour) // the first of two alike counts
			s := incident.Subscriber{ID: "r1", Audience: incident.Customers, Channel: incident.Email, State: incident.Pending}
			if err := b.Commit(ctx, subscribe.Change{Record: subscribe.Record{Subscriber: s}, Work: twice}); err != nil {
				t.Fatal(err)
			}
			for n := range 5 {
				got, err := b.Due(ctx, porttest.Start.Add(4), 2)
				if err != nil || len(got) != min(2, 5-n) || got[0].ID != ws[n].ID {
					t.Fatalf("Due = %v, %v, want from %s on", got, err, ws[n].ID)
				}
				if err := b.Done(ctx, got[0]); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestASpanIsOverAtItsEnd uses a key at the very end of a span: that begins the next.
func TestASpanIsOverAtItsEnd(t *testing.T) {
	t.Parallel()
	for name, api := range clients(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := openBook(t, api, fresh(t, api))
			for _, x := range []struct{ after, want time.Duration }{
				{0, 0}, {time.Minute, 0}, {90 * time.Second, 0}, {100 * time.Second, 20 * time.Second},
			} {
				wait, err := b.Take(t.Context(), "k", subscribe.Cap{N: 2, Per: time.Minute}, porttest.Start.Add(x.after))
				if err != nil || wait != x.want {
					t.Errorf("Take after %s = %s, %v, want %s", x.after, wait, err, x.want)
				}
			}
		})
	}
}
