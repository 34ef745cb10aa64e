package embedded

import (
	"context"
	"log/slog"
	"maps"
	"strconv"
	"strings"
	"time"

	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// Mailbox is a provider of its own for every channel: it delivers into an inbox
// that can be looked at. It takes an idempotency key, so that a repeat shows
// once, and it knows nothing of the ledger, so that it can prove what was sent.
type Mailbox struct {
	kv       KV
	now      func() time.Time
	families map[incident.Channel]incident.Family
	from     func(context.Context) string
	log      *slog.Logger
}

// NewMailbox makes a mailbox. From answers the mail address that updates come from.
func NewMailbox(kv KV, now func() time.Time, families map[incident.Channel]incident.Family, from func(context.Context) string, log *slog.Logger) *Mailbox {
	return &Mailbox{kv: kv, now: now, families: families, from: from, log: log}
}

// Entry is one message as its recipient saw it.
type Entry struct {
	ID       string            `json:"id"`
	Kind     string            `json:"kind"`
	Channel  incident.Channel  `json:"channel"`
	To       string            `json:"to"`
	Audience incident.Audience `json:"audience"`
	Locale   incident.Locale   `json:"locale"`
	// Incident, Seq and Stage are set where the kind is update.
	Incident incident.ID    `json:"incident,omitempty"`
	Seq      int            `json:"seq,omitempty"`
	Stage    incident.Stage `json:"stage,omitempty"`
	Drill    bool           `json:"drill"`
	// Replaces is the entry that this one took the place of, where a post was edited.
	Replaces string            `json:"replaces"`
	Subject  string            `json:"subject"`
	Text     string            `json:"text"`
	HTML     string            `json:"html"`
	Headers  map[string]string `json:"headers"`
	SentAt   time.Time         `json:"sent_at"`
}

// Keyed implements deliver.Sender.
func (*Mailbox) Keyed() bool { return true }

// Send implements deliver.Sender.
func (m *Mailbox) Send(ctx context.Context, es []deliver.Envelope, deadline time.Time) []deliver.Outcome {
	now := m.now()
	if !now.Before(deadline) {
		return allFailed(len(es), &deliver.Failure{Reason: deliver.NotBegun, Err: context.DeadlineExceeded})
	}
	outs := make([]deliver.Outcome, len(es))
	from := m.from(ctx)
	err := update(ctx, m.kv, func(tx Tx) error {
		for n, e := range es {
			id, err := m.record(tx, e, m.entry(e, from, now), true)
			if err != nil {
				return err
			}
			outs[n] = deliver.Outcome{ID: id}
		}
		return nil
	})
	if err != nil {
		return allFailed(len(es), &deliver.Failure{Reason: deliver.Unavailable, Err: err})
	}
	return outs
}

func allFailed(n int, f *deliver.Failure) []deliver.Outcome {
	outs := make([]deliver.Outcome, n)
	for i := range outs {
		outs[i].Failure = f
	}
	return outs
}

// entry makes what the recipient sees of an envelope.
func (m *Mailbox) entry(e deliver.Envelope, from string, now time.Time) Entry {
	to := e.To
	if to == "" {
		to = e.Target.Address
	}
	en := Entry{
		Kind: e.Kind, Channel: e.Channel, To: to.Reveal(), Audience: e.Audience, Locale: e.Locale,
		Drill: e.Incident.Drill(), Subject: e.Content.Subject, Text: e.Content.Text, HTML: e.Content.HTML,
		Headers: map[string]string{}, SentAt: now.UTC(),
	}
	if e.Kind == deliver.KindUpdate {
		en.Incident, en.Seq, en.Stage = e.Incident, e.Seq, e.Stage
	}
	if m.families[e.Channel] == incident.FamilyEmail {
		en.Headers["From"], en.Headers["To"], en.Headers["Subject"] = from, en.To, en.Subject
		en.Headers["Message-ID"] = "<" + e.Key + "@" + domain(from) + ">"
	}
	maps.Copy(en.Headers, e.Headers)
	return en
}

// domain answers what a mail address has after its @.
func domain(from string) string {
	_, d, _ := strings.Cut(strings.TrimSuffix(from, ">"), "@")
	return d
}

// record keeps an entry and answers its id. Once makes an envelope whose key was
// seen before answer the first entry's.
func (m *Mailbox) record(tx Tx, e deliver.Envelope, en Entry, once bool) (string, error) {
	if once {
		id, ok, err := get[string](tx, tableInbox, keySeen(e.Key))
		if err != nil || ok {
			return id, err
		}
	}
	n, _, err := get[int](tx, tableInbox, keyTurns)
	if err != nil {
		return "", err
	}
	n++
	en.ID = strconv.Itoa(n)
	root := e.Root
	if m.families[e.Channel] == incident.FamilyChat && root != "" {
		if en.Replaces, _, err = get[string](tx, tableInbox, keyThread(thread(e, root))); err != nil {
			return "", err
		}
	}
	if root == "" {
		root = en.ID
	}
	for _, w := range []struct {
		key   string
		value any
	}{{keyTurns, n}, {keyEntry(n), en}, {keySeen(e.Key), en.ID}, {keyThread(thread(e, root)), en.ID}} {
		if err := put(tx, tableInbox, w.key, w.value); err != nil {
			return "", err
		}
	}
	return en.ID, nil
}

// thread names a post and its edits.
func thread(e deliver.Envelope, root string) string { return string(e.Channel) + "#" + root }

// List answers every entry, oldest first.
func (m *Mailbox) List(ctx context.Context) ([]Entry, error) {
	return all[Entry](ctx, m.kv, tableInbox, keyEntries)
}

// Tap answers a sender that shows in the inbox what another sender's provider
// has accepted.
func (m *Mailbox) Tap(s deliver.Sender) deliver.Sender { return tap{s, m} }

type tap struct {
	deliver.Sender
	box *Mailbox
}

// Send implements deliver.Sender. What a provider has accepted is sent, also
// where the inbox could not take it down.
func (t tap) Send(ctx context.Context, es []deliver.Envelope, deadline time.Time) []deliver.Outcome {
	outs := t.Sender.Send(ctx, es, deadline)
	from, now := t.box.from(ctx), t.box.now()
	// The wave is over; its context may be as well.
	err := update(context.WithoutCancel(ctx), t.box.kv, func(tx Tx) error {
		for n, e := range es {
			if outs[n].Failure != nil {
				continue
			}
			if err := t.record(tx, e, t.box.entry(e, from, now), outs[n].ID); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.box.log.ErrorContext(ctx, "inbox not written", "error", err)
	}
	return outs
}

// record keeps the entry of an accepted envelope. The post's own id stands for
// the thread, since later envelopes name that one.
func (t tap) record(tx Tx, e deliver.Envelope, en Entry, post string) error {
	id, err := t.box.record(tx, e, en, t.Keyed())
	if err != nil || post == "" || e.Root != "" {
		return err
	}
	return put(tx, tableInbox, keyThread(thread(e, post)), id)
}
