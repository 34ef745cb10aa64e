package porttest

import (
	"testing"

	"shirase/internal/incident"
	"shirase/internal/ready"
	"shirase/internal/subscribe"
)

// CountStore counts the subscribers it is given.
type CountStore interface {
	subscribe.Store
	ready.Counter
}

// Count is the suite of counting subscribers.
func Count(t *testing.T, open func(t *testing.T) CountStore) {
	t.Helper()
	t.Run("counts the active of one audience and channel", func(t *testing.T) {
		t.Parallel()
		ctx, s := t.Context(), open(t)
		count := func(want int, a incident.Audience, c incident.Channel) {
			t.Helper()
			if n := must1(s.Count(ctx, a, c))(t); n != want {
				t.Errorf("Count(%s, %s) = %d, want %d", a, c, n, want)
			}
		}
		count(0, incident.Customers, incident.Email)
		for n, state := range []incident.SubscriberState{
			incident.Active, incident.Active, incident.Active, incident.Active, incident.Active,
			incident.Pending, incident.Unsubscribed, incident.Suppressed,
		} {
			must(t, s.Commit(ctx, subscribe.Change{Record: subscriber(incident.RecipientID(numbered("r", n)), incident.Customers, state)}))
		}
		must(t, s.Commit(ctx, subscribe.Change{Record: subscriber("r000", incident.Staff, incident.Active)}))
		sms := subscriber("m1", incident.Customers, incident.Active)
		sms.Subscriber.Channel = incident.SMS
		must(t, s.Commit(ctx, subscribe.Change{Record: sms}))
		count(5, incident.Customers, incident.Email)
		count(1, incident.Customers, incident.SMS)
		count(1, incident.Staff, incident.Email)
		count(0, incident.Staff, incident.Webhook)
		gone := subscriber("r001", incident.Customers, incident.Unsubscribed)
		gone.Version = 1
		must(t, s.Commit(ctx, subscribe.Change{Record: gone}))
		count(4, incident.Customers, incident.Email)
	})
}
