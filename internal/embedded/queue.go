package embedded

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// QueueName names a queue.
type QueueName string

// The queues. The twins carry confirmations and reminders, so that sign-ups
// never delay updates; drills have a pair of their own.
const (
	AlarmQueue       QueueName = "alarm"
	FanOutQueue      QueueName = "fanout"
	EmailQueue       QueueName = "email"
	EmailTwinQueue   QueueName = "email-twin"
	SMSQueue         QueueName = "sms"
	SMSTwinQueue     QueueName = "sms-twin"
	WebhookQueue     QueueName = "webhook"
	WebhookTwinQueue QueueName = "webhook-twin"
	PostQueue        QueueName = "post"
	DrillFanOutQueue QueueName = "drill-fanout"
	DrillSendQueue   QueueName = "drill-send"
)

// QueueNames lists the queues.
func QueueNames() []QueueName {
	return []QueueName{
		AlarmQueue, FanOutQueue, EmailQueue, EmailTwinQueue, SMSQueue, SMSTwinQueue,
		WebhookQueue, WebhookTwinQueue, PostQueue, DrillFanOutQueue, DrillSendQueue,
	}
}

// Queues are durable queues in a store. A message that was received is hidden
// for a while and comes back unless it is deleted. Of the messages of one group
// at most one is out at a time, and groups take turns, so that a group that
// hangs holds up itself alone. Messages without a group are all independent.
type Queues struct {
	kv       KV
	now      func() time.Time
	families map[incident.Channel]incident.Family
	memos    deliver.Messages
	arrived  chan struct{}
}

// NewQueues makes the queues of a store. Families and memos tell which queue a
// chunk belongs on.
func NewQueues(kv KV, now func() time.Time, families map[incident.Channel]incident.Family, memos deliver.Messages) *Queues {
	return &Queues{kv: kv, now: now, families: families, memos: memos, arrived: make(chan struct{}, 1)}
}

// Message is a message that was received.
type Message struct {
	ID    string
	Queue QueueName
	Body  []byte
	Group string
	// Received counts how often it was received, this time included.
	Received int
	// Receipt names this very reception.
	Receipt string
	SentAt  time.Time
}

// Post is a message to be put on a queue. Group may be empty.
type Post struct {
	Body  []byte
	Group string
}

// mail is a message as it is kept.
type mail struct {
	ID       string    `json:"id"`
	Body     []byte    `json:"body"`
	Group    string    `json:"group,omitempty"`
	Sent     time.Time `json:"sent"`
	Received int       `json:"received,omitempty"`
	// Out tells that it was received and not yet given back.
	Out     bool      `json:"out,omitempty"`
	Visible time.Time `json:"visible"`
	// Turn orders what is visible from the same moment on.
	Turn string `json:"turn"`
}

// queueGroup is the state of a group that has messages.
type queueGroup struct {
	// Busy is the message that is out, until Until at most.
	Busy  string    `json:"busy,omitempty"`
	Until time.Time `json:"until,omitzero"`
	// Served is when the group last had its turn, Turn its place since then.
	Served time.Time `json:"served,omitzero"`
	Turn   string    `json:"turn"`
	// Ready is its key among what is ready.
	Ready string `json:"ready,omitempty"`
}

// ready is an entry of what is visible by time: a message or a group.
type ready struct {
	ID    string `json:"id,omitempty"`
	Group string `json:"group,omitempty"`
}

// Arrivals signals that something may have become visible. One signal may stand
// for many.
func (q *Queues) Arrivals() <-chan struct{} { return q.arrived }

func (q *Queues) signal() {
	select {
	case q.arrived <- struct{}{}:
	default: // one waits already
	}
}

// write runs fn as a transaction on the queues and signals its end.
func (q *Queues) write(ctx context.Context, fn func(queueTx) error) error {
	err := update(ctx, q.kv, func(tx Tx) error { return fn(queueTx{tx}) })
	if err == nil {
		q.signal()
	}
	return err
}

// Put puts messages on a queue, all or none, to be visible after a delay.
func (q *Queues) Put(ctx context.Context, name QueueName, delay time.Duration, posts ...Post) error {
	now := q.now()
	return q.write(ctx, func(tx queueTx) error {
		for _, p := range posts {
			if err := tx.put(name, p, now, now.Add(delay)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Receive takes up to limit visible messages, at most one of each group, and
// hides them for a while. The longest ready come first.
func (q *Queues) Receive(ctx context.Context, name QueueName, limit int, visibility time.Duration) ([]Message, error) {
	now := q.now()
	if idle, err := q.idle(ctx, name, now); err != nil || idle {
		return nil, err // nothing to write
	}
	var out []Message
	err := update(ctx, q.kv, func(tx Tx) (err error) {
		out, err = queueTx{tx}.receive(name, limit, now, visibility)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Delete removes a message that is done. It may be called twice.
func (q *Queues) Delete(ctx context.Context, receipt string) error {
	name, id, _, err := parseReceipt(receipt)
	if err != nil {
		return err
	}
	return q.write(ctx, func(tx queueTx) error {
		m, ok, err := get[mail](tx, tableQueues, keyMail(name, id))
		if err != nil || !ok {
			return err
		}
		if err := tx.unplace(name, m); err != nil {
			return err
		}
		return tx.Delete(tableQueues, keyMail(name, id))
	})
}

// Postpone implements handler.Visibility, to the very moment. Where somebody
// else has received the message since, it does nothing.
func (q *Queues) Postpone(ctx context.Context, receipt string, wait time.Duration) error {
	name, id, received, err := parseReceipt(receipt)
	if err != nil {
		return err
	}
	now := q.now()
	return q.write(ctx, func(tx queueTx) error {
		m, ok, err := get[mail](tx, tableQueues, keyMail(name, id))
		if err != nil || !ok || !m.Out || m.Received != received {
			return err
		}
		return tx.release(name, m, now.Add(max(wait, 0)))
	})
}

// longestWait is the longest that a message is put off, as on SQS. Whatever is
// dated later was so by a clock that was ahead.
const longestWait = 15 * time.Minute

// ReleaseAll shows every message that is out at once, and forgets dates of a
// clock that was ahead, which would hold up what comes now. It is for the start,
// when nobody can be working on one.
func (q *Queues) ReleaseAll(ctx context.Context) error {
	now := q.now()
	return q.write(ctx, func(tx queueTx) error {
		for _, name := range QueueNames() {
			ms, _, err := page(tx, tableQueues, keyQueued(name), "", 0, func(_ string, m mail) bool {
				return m.Out || m.Visible.After(now.Add(longestWait))
			})
			if err != nil {
				return err
			}
			for _, m := range ms {
				if err := tx.release(name, m, now); err != nil {
					return err
				}
			}
			if err := tx.redate(name, now); err != nil {
				return err
			}
		}
		return nil
	})
}

// redate lets groups take their turn that were served by a clock that was ahead.
func (tx queueTx) redate(name QueueName, now time.Time) error {
	prefix := keyQueueGroup(name, "")
	ahead := map[string]queueGroup{}
	_, _, err := page(tx, tableQueues, prefix, "", 0, func(key string, g queueGroup) bool {
		if g.Served.After(now) {
			ahead[key[len(prefix):]] = g
		}
		return false
	})
	if err != nil {
		return err
	}
	for _, group := range slices.Sorted(maps.Keys(ahead)) {
		g := ahead[group]
		g.Served = now
		if err := tx.regroup(name, group, g); err != nil {
			return err
		}
	}
	return nil
}

// NextVisible answers when, after now, the next message becomes visible, and
// whether there is one that is not visible yet.
func (q *Queues) NextVisible(ctx context.Context, now time.Time) (at time.Time, ok bool, err error) {
	err = view(ctx, q.kv, func(tx Tx) error {
		for _, name := range QueueNames() {
			prefix := keyReadies(name)
			tx.Scan(tableQueues, prefix+keyTime(now.Add(1)), after(prefix), func(key string, _ []byte) bool {
				if t, read := timeOfKey(prefix, key); read && (!ok || t.Before(at)) {
					at, ok = t, true
				}
				return false
			})
		}
		return nil
	})
	return at, ok, err
}

// idle reports whether nothing is visible on a queue.
func (q *Queues) idle(ctx context.Context, name QueueName, now time.Time) (idle bool, err error) {
	idle = true
	err = view(ctx, q.kv, func(tx Tx) error {
		tx.Scan(tableQueues, keyReadies(name), keyReady(name, now.Add(1), ""), func(string, []byte) bool {
			idle = false
			return false
		})
		return nil
	})
	return idle, err
}

// queueTx is a transaction on the queues.
type queueTx struct{ Tx }

// turn answers a number that is higher than all before.
func (tx queueTx) turn() (string, error) {
	n, _, err := get[int](tx, tableQueues, keyTurns)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%012d", n+1), put(tx, tableQueues, keyTurns, n+1)
}

func (tx queueTx) put(name QueueName, p Post, now, visible time.Time) error {
	turn, err := tx.turn()
	if err != nil {
		return err
	}
	return tx.place(name, mail{ID: turn, Body: p.Body, Group: p.Group, Sent: now, Visible: visible, Turn: turn})
}

// place writes a message and its place in the order.
func (tx queueTx) place(name QueueName, m mail) error {
	if err := put(tx, tableQueues, keyMail(name, m.ID), m); err != nil {
		return err
	}
	if m.Group == "" {
		return put(tx, tableQueues, keyReady(name, m.Visible, m.Turn), ready{ID: m.ID})
	}
	if err := put(tx, tableQueues, keyGroupedMail(name, m), m.ID); err != nil {
		return err
	}
	g, err := tx.group(name, m.Group)
	if err != nil {
		return err
	}
	return tx.regroup(name, m.Group, g)
}

// unplace takes a message out of the order. If it was out, its group is free.
func (tx queueTx) unplace(name QueueName, m mail) error {
	if m.Group == "" {
		return tx.Delete(tableQueues, keyReady(name, m.Visible, m.Turn))
	}
	if err := tx.Delete(tableQueues, keyGroupedMail(name, m)); err != nil {
		return err
	}
	g, err := tx.group(name, m.Group)
	if err != nil {
		return err
	}
	if g.Busy == m.ID {
		g.Busy, g.Until = "", time.Time{}
	}
	return tx.regroup(name, m.Group, g)
}

// release gives a message back, visible from a time on, behind what waits.
func (tx queueTx) release(name QueueName, m mail, visible time.Time) error {
	if err := tx.unplace(name, m); err != nil {
		return err
	}
	turn, err := tx.turn()
	if err != nil {
		return err
	}
	m.Out, m.Visible, m.Turn = false, visible, turn
	return tx.place(name, m)
}

// group reads a group; a new one comes after those that wait.
func (tx queueTx) group(name QueueName, group string) (queueGroup, error) {
	g, ok, err := get[queueGroup](tx, tableQueues, keyQueueGroup(name, group))
	if err != nil || ok {
		return g, err
	}
	g.Turn, err = tx.turn()
	return g, err
}

// regroup keeps a group and puts it where it belongs among what is ready. One
// without messages is forgotten.
func (tx queueTx) regroup(name QueueName, group string, g queueGroup) error {
	if g.Ready != "" {
		if err := tx.Delete(tableQueues, g.Ready); err != nil {
			return err
		}
	}
	at, ok := tx.earliest(name, group)
	if !ok {
		return tx.Delete(tableQueues, keyQueueGroup(name, group))
	}
	if g.Busy != "" {
		at = g.Until
	}
	if g.Served.After(at) {
		at = g.Served
	}
	g.Ready = keyReady(name, at, g.Turn)
	if err := put(tx, tableQueues, g.Ready, ready{Group: group}); err != nil {
		return err
	}
	return put(tx, tableQueues, keyQueueGroup(name, group), g)
}

// earliest answers when the first message of a group is visible.
func (tx queueTx) earliest(name QueueName, group string) (at time.Time, ok bool) {
	prefix := keyGrouped(name, group)
	tx.Scan(tableQueues, prefix, after(prefix), func(key string, _ []byte) bool {
		at, ok = timeOfKey(prefix, key)
		return false
	})
	return at, ok
}

// errNoMail says that the order of a queue names a message that is not there.
var errNoMail = errors.New("record of what is ready names no message")

func (tx queueTx) receive(name QueueName, limit int, now time.Time, visibility time.Duration) (out []Message, err error) {
	var entries []ready
	tx.Scan(tableQueues, keyReadies(name), keyReady(name, now.Add(1), ""), func(key string, b []byte) bool {
		var e ready
		if e, err = decode[ready](key, b); err != nil {
			return false
		}
		entries = append(entries, e)
		return len(entries) < limit
	})
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.Group != "" {
			ids, _, err := page[string](tx, tableQueues, keyGrouped(name, e.Group), "", 1, nil)
			if err != nil {
				return nil, err
			}
			if len(ids) > 0 {
				e.ID = ids[0]
			}
		}
		m, ok, err := get[mail](tx, tableQueues, keyMail(name, e.ID))
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, fmt.Errorf("queue %s: %w", name, errNoMail)
		}
		if m, err = tx.takeOut(name, m, now, visibility); err != nil {
			return nil, err
		}
		out = append(out, Message{
			ID: string(name) + "-" + m.ID, Queue: name, Body: m.Body, Group: m.Group,
			Received: m.Received, Receipt: receipt(name, m), SentAt: m.Sent,
		})
	}
	return out, nil
}

// takeOut hides a message for a while, and with it its group.
func (tx queueTx) takeOut(name QueueName, m mail, now time.Time, visibility time.Duration) (mail, error) {
	if err := tx.unplace(name, m); err != nil {
		return m, err
	}
	m.Out, m.Visible = true, now.Add(visibility)
	m.Received++
	if m.Group != "" {
		g, err := tx.group(name, m.Group)
		if err != nil {
			return m, err
		}
		if g.Turn, err = tx.turn(); err != nil {
			return m, err
		}
		g.Busy, g.Until, g.Served = m.ID, m.Visible, now
		if err := put(tx, tableQueues, keyQueueGroup(name, m.Group), g); err != nil {
			return m, err
		}
	}
	return m, tx.place(name, m)
}

// receipt names one reception of a message.
func receipt(name QueueName, m mail) string {
	return strings.Join([]string{string(name), m.ID, strconv.Itoa(m.Received)}, "/")
}

func parseReceipt(receipt string) (name QueueName, id string, received int, err error) {
	parts := strings.Split(receipt, "/")
	if len(parts) == 3 {
		received, err = strconv.Atoi(parts[2])
	}
	if len(parts) != 3 || err != nil || !slices.Contains(QueueNames(), QueueName(parts[0])) {
		return "", "", 0, incident.Invalid("receipt", "must be that of a received message")
	}
	return QueueName(parts[0]), parts[1], received, nil
}

// Ready reports whether a message is visible on any queue.
func (q *Queues) Ready(ctx context.Context, now time.Time) (bool, error) {
	for _, name := range QueueNames() {
		if idle, err := q.idle(ctx, name, now); err != nil || !idle {
			return err == nil, err
		}
	}
	return false, nil
}
