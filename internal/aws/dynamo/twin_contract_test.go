//go:build contract

package dynamo_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/announce"
	"shirase/internal/deliver"
	"shirase/internal/embedded"
	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/porttest"
)

// stories says how many are played on an engine and how long they are. Moto
// becomes slow with its tables.
var stories = map[string]struct{ seeds, steps int }{"ministack": {4, 30}, "moto": {1, 15}}

// The store does what the store of one machine does, whatever comes.
func TestStoreIsATwinOfTheEmbeddedOne(t *testing.T) {
	t.Parallel()
	for name, api := range clients(t) {
		for seed := range stories[name].seeds {
			t.Run(fmt.Sprintf("%s/%d", name, seed), func(t *testing.T) {
				t.Parallel()
				clock := porttest.NewClock()
				a := openStore(t, api, clock.Now)
				b := embedded.New(embedded.NewMemory(), clock.Now)
				x := newStory(t, clock, uint64(seed))
				made, refused := 0, 0
				for step := range stories[name].steps {
					c := x.change(step)
					errA, errB := a.Commit(t.Context(), c), b.Commit(t.Context(), c)
					if (errA == nil) != (errB == nil) || errB != nil && !errors.Is(errA, incident.ErrConflict) {
						t.Fatalf("step %d: Commit() = %v, want as the twin's: %v\n%s", step, errA, errB, written(t, c))
					}
					if errA == nil {
						made++
						x.keep(c)
					} else {
						refused++
					}
					x.between(a, b)
					if d := cmp.Diff(everything(t, b, clock.Now()), everything(t, a, clock.Now())); d != "" {
						t.Fatalf("step %d: the stores differ (-twin +got):\n%s\nafter %s", step, d, written(t, c))
					}
				}
				if made < refused/2 || refused == 0 {
					t.Errorf("%d changes were made and %d refused, want some of both", made, refused)
				}
			})
		}
	}
}

func written(t *testing.T, c announce.Change) string {
	t.Helper()
	b, err := json.MarshalIndent(c, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// story makes changes, most of which have conditions that hold.
type story struct {
	t     *testing.T
	rand  *rand.Rand
	clock *porttest.Clock

	is     map[incident.ID]incident.Incident
	alarms map[string]time.Time
	drafts map[announce.DraftID]int
	groups map[string]incident.ID
}

func newStory(t *testing.T, clock *porttest.Clock, seed uint64) *story {
	t.Helper()
	return &story{
		t: t, rand: rand.New(rand.NewPCG(seed, 1)), clock: clock, is: map[incident.ID]incident.Incident{},
		alarms: map[string]time.Time{}, drafts: map[announce.DraftID]int{}, groups: map[string]incident.ID{},
	}
}

func (x *story) some(n int) bool { return x.rand.IntN(n) == 0 }

// one answers any of several.
func one[T any](x *story, of ...T) T { return of[x.rand.IntN(len(of))] }

var ids = []incident.ID{"i-1", "i-2", "drill-1"}

// ok ends the test on an error.
func (x *story) ok(err error) {
	x.t.Helper()
	if err != nil {
		x.t.Fatal(err)
	}
}

// change answers a change; about a quarter of them do not hold.
func (x *story) change(step int) announce.Change {
	x.clock.Advance(time.Duration(1+x.rand.IntN(3)) * time.Hour)
	now := x.clock.Now()
	id := one(x, ids...)
	var c announce.Change
	if x.some(2) {
		x.moves(&c, id, now)
	}
	if x.some(2) {
		c.Notes = append(c.Notes, announce.Note{ID: fmt.Sprint("n", step), Incident: id, At: now, Text: "a note"})
		c.Evidence = append(c.Evidence, announce.Evidence{
			Incident: one(x, id, ""), Signal: incident.Signal{ID: fmt.Sprint("s", step), ReceivedAt: now}, Outcome: incident.OutcomeJoined,
		})
	}
	if d := one[announce.DraftID](x, "d-1", "d-2"); x.some(2) {
		c.Drafts = append(c.Drafts, announce.Draft{
			ID: d, Incident: incident.ID("i-" + string(d[2:])), Revision: x.drafts[d] + 1 + x.wrong(), At: now.Add(-time.Duration(x.rand.IntN(9)) * time.Hour),
			State: one(x, announce.DraftOpen, announce.DraftPublished, announce.DraftDismissed),
		})
	}
	if f := one(x, "f-1", "f-2"); x.some(2) {
		a := announce.Alarm{Fingerprint: f, At: now, Was: x.alarms[f], Incident: one(x, id, "")}
		if x.wrong() > 0 {
			a.Was = a.Was.Add(time.Second)
		}
		c.Alarms = append(c.Alarms, a)
	}
	if g := one(x, "all", "drill-all"); x.some(3) {
		s := announce.GroupSlot{Group: g, Was: x.groups[g], Set: one(x, id, "")}
		if x.wrong() > 0 {
			s.Was = "i-9"
		}
		c.Groups = append(c.Groups, s)
	}
	for _, d := range []announce.DueID{"due-1", "due-2", "due-3"} {
		if x.some(3) {
			c.Due = append(c.Due, announce.Due{ID: d, Kind: announce.DueLapse, At: now.Add(time.Duration(x.rand.IntN(8)-2) * time.Hour), Incident: id})
		}
		if x.some(5) {
			c.Cancel = append(c.Cancel, d)
		}
		if x.some(8) {
			c.Drop = append(c.Drop, d)
		}
	}
	if x.some(2) {
		c.Outbox = append(c.Outbox, x.pointer(id))
		c.Memos = append(c.Memos, deliver.Memo{
			Incident: one(x, id, deliver.NoIncident), Slot: one(x, "a/1", "b#2"), Channel: incident.Email, Recipient: "r", At: now,
			Content: message.Content{Text: "memo"},
		})
	}
	if x.some(3) {
		c.Answer = &announce.Answer{Key: one(x, "k-1", "k-2"), At: now, Result: []byte("{}")}
	}
	return c
}

// wrong answers 1 now and then, which a number is off by.
func (x *story) wrong() int { return max(0, 1-x.rand.IntN(12)) }

func (x *story) pointer(id incident.ID) deliver.Pointer {
	return deliver.Pointer{Incident: id, Seq: 1 + x.rand.IntN(2), Late: one[incident.RecipientID](x, "", "r")}
}

// moves opens an incident, or announces something in it.
func (x *story) moves(c *announce.Change, id incident.ID, now time.Time) {
	i, ok := x.is[id]
	if !ok {
		i, err := incident.Open(incident.Opening{
			ID: id, Kind: incident.Outage, Severity: incident.Major, Components: []incident.ComponentID{"checkout"}, DetectedAt: now, At: now,
			By: "sato", Plan: 1, Facts: incident.Facts{Effect: incident.Fact[incident.Text]{
				Value: incident.Text{"en": "Invoices cannot be sent."}, State: incident.Confirmed, Source: "sato", At: now,
			}},
		})
		x.ok(err)
		c.Incidents = append(c.Incidents, announce.Versioned{Incident: i, Base: x.wrong()})
		return
	}
	stage := one(x, incident.Investigating, incident.Identified, incident.Resolved)
	p := incident.Proposal{Kind: incident.Notice, Stage: stage, By: "sato", Text: incident.Text{"en": "We are on it."}}
	if !stage.Final() {
		p.Next = now.Add(30 * time.Minute)
	}
	after, u, err := i.Accept(p, now)
	if err != nil {
		return // the stage does not follow
	}
	c.Incidents = append(c.Incidents, announce.Versioned{Incident: after, Base: i.Version() + x.wrong()})
	c.Updates = append(c.Updates, u)
	c.Messages = append(c.Messages, message.Message{Incident: id, Seq: u.Seq, Audience: incident.Customers, Locale: "en"})
}

// keep remembers what was written.
func (x *story) keep(c announce.Change) {
	for _, v := range c.Incidents {
		x.is[v.Incident.ID()] = v.Incident
	}
	for _, a := range c.Alarms {
		x.alarms[a.Fingerprint] = a.At
	}
	for _, d := range c.Drafts {
		x.drafts[d.ID] = d.Revision
	}
	for _, g := range c.Groups {
		x.groups[g.Group] = g.Set
	}
}

// between does to both stores what is no commit.
func (x *story) between(a wholeStore, b *embedded.Store) {
	p, st := x.pointer(one(x, ids...)), one[incident.ComponentStatus](x, "", incident.MajorOutage)
	publish := x.some(3)
	for _, s := range []porttest.AnnounceStore{a, b} {
		if publish {
			x.ok(s.Published(x.t.Context(), p))
		}
		x.ok(s.SetComponentStatus(x.t.Context(), "checkout", st))
	}
}
