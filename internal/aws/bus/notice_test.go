package bus_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/aws/bus"
	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/plan"
)

// everyone are all audiences but customers.
func everyone() []incident.Audience {
	return slices.DeleteFunc(incident.Audiences(), func(a incident.Audience) bool { return a == incident.Customers })
}

// step is an update, and whether customers are told it by mail.
type step struct {
	incident.Proposal
	customers bool
}

func TestNoticesTellCustomersWhatIsTheirs(t *testing.T) {
	t.Parallel()
	first := step{incident.Proposal{Stage: incident.Investigating}, true}
	hidden := step{incident.Proposal{Stage: incident.Investigating}, false}
	resolved := func(told bool) step { return step{incident.Proposal{Stage: incident.Resolved}, told} }
	mend := func(k incident.UpdateKind, of int) step { return step{incident.Proposal{Kind: k, Of: of}, false} }
	for _, tt := range []struct {
		name string
		id   incident.ID
		upon []step
		// then are accepted after the pointer was left to the sweep.
		then []step
		want bool // of the last update of upon
	}{
		{"told by mail", "i-1", []step{first}, nil, true},
		{"not told by mail", "i-1", []step{hidden}, nil, false},
		{"a drill", "drill-1", []step{first}, nil, false},
		{"a later one", "i-1", []step{first, {incident.Proposal{Stage: incident.Identified}, true}}, nil, true},
		{"a later one not for them", "i-1", []step{first, {incident.Proposal{Stage: incident.Identified}, false}}, nil, false},
		{"the end", "i-1", []step{first, resolved(true)}, nil, true},
		{"the end of what they were told, though not routed", "i-1", []step{first, hidden, resolved(false)}, nil, true},
		{"the end of what they never heard of", "i-1", []step{hidden, resolved(false)}, nil, false},
		{"a retraction of what they were told", "i-1", []step{first, mend(incident.Retraction, 1)}, nil, true},
		{"a retraction of what they were not", "i-1", []step{hidden, mend(incident.Retraction, 1)}, nil, false},
		{"a correction of what they were told", "i-1", []step{first, mend(incident.Correction, 1)}, nil, true},
		{"a correction of what they were not", "i-1", []step{hidden, mend(incident.Correction, 1)}, nil, false},
		{"taken back before it went out", "i-1", []step{first}, []step{mend(incident.Retraction, 1)}, false},
		{"corrected before it went out", "i-1", []step{first}, []step{mend(incident.Correction, 1)}, false},
		{"overtaken by a newer one", "i-1", []step{first}, []step{resolved(true)}, false},
		{"a newer one is not for them", "i-1", []step{first}, []step{{incident.Proposal{Stage: incident.Identified}, false}}, true},
		{
			"a newer one was taken back", "i-1",
			[]step{first},
			[]step{{incident.Proposal{Stage: incident.Identified}, true}, mend(incident.Retraction, 2)},
			true,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tt.id, company(t))
			for _, s := range slices.Concat(tt.upon, tt.then) {
				to := everyone()
				if s.customers {
					to = append(to, incident.Customers)
				}
				w.accept(t, s.Proposal, to...)
			}
			var s stub
			seq := len(tt.upon)
			if err := bus.New(s.client(), starter, w.reading(), now, quiet()).Publish(t.Context(), deliver.Pointer{Incident: tt.id, Seq: seq}, soon); err != nil {
				t.Fatal(err)
			}
			var want []publication
			if tt.want {
				c := w.said(seq, incident.Customers)
				want = []publication{{Topic: starter.Notices, Subject: c.Subject, Message: c.Text}}
			}
			if d := cmp.Diff(want, s.on(starter.Notices)); d != "" {
				t.Errorf("notices differ (-want +got):\n%s", d)
			}
			if last := s.seen[len(s.seen)-1]; last.Topic != starter.Updates || len(s.on(starter.Updates)) != 1 {
				t.Errorf("published %d pointers, the last went to %s; want one, last", len(s.on(starter.Updates)), last.Topic)
			}
		})
	}
}

// TestNoOtherAudienceIsReadOnNotices plays a whole outage under plans of all
// sorts, and looks at each word that customers get.
func TestNoOtherAudienceIsReadOnNotices(t *testing.T) {
	t.Parallel()
	const with = "\naudiences: [engineering, support, management, marketing, staff, customers]\n"
	const inside = "\naudiences: [engineering, {id: customers, public: false, texts: engineering}]\n"
	for _, tt := range []struct {
		name, audiences string
		later           string // the audiences of the plan after the incident began
		notices         int
	}{
		{"as it is", with, with, 4},
		{"customers are not public", inside, inside, 0},
		{"another audience is public", "\naudiences: [engineering, {id: partners, public: true}]\n", with, 0},
		{"the customers' words for the staff", "\naudiences: [engineering, {id: staff, texts: customers}, customers]\n", with, 4},
		{"customers have become public since", inside, with, 0},
		{"customers are public no longer", with, inside, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "i-1", strings.Replace(short, with, tt.audiences, 1))
			if !strings.Contains(short, with) {
				t.Fatal("the plan has no such audiences to replace")
			}
			later := newWorld(t, "i-1", strings.Replace(short, with, tt.later, 1)).plan
			read := w.reading()
			read.Plans = plans{current: later, pinned: w.plan}
			var s stub
			b := bus.New(s.client(), starter, read, now, quiet())
			for n, stage := range []incident.Stage{incident.Investigating, incident.Identified, incident.Monitoring, incident.Resolved} {
				p := incident.Proposal{Stage: stage}
				p.Facts.Cause = incident.Fact[incident.Text]{
					Value: incident.Text{"en": fmt.Sprintf("internal cause %d", n)}, State: incident.Hypothesis, Source: "sato", At: start,
				}
				w.accept(t, p, incident.Audiences()...)
				for _, ptr := range []deliver.Pointer{
					{Incident: "i-1", Seq: n + 1}, {Incident: "i-1", Slot: "draft#1"}, {Incident: "i-1", Seq: n + 1, Late: "r", Channel: incident.Email},
				} {
					if err := b.Publish(t.Context(), ptr, soon); err != nil {
						t.Fatal(err)
					}
				}
			}
			notices := s.on(starter.Notices)
			if len(notices) != tt.notices {
				t.Fatalf("%d notices, want %d", len(notices), tt.notices)
			}
			for n, got := range notices {
				if own := w.said(n+1, incident.Customers); got.Message != own.Text || got.Subject != own.Subject {
					t.Errorf("notice %d = %q, want the customers' text", n+1, got.Message)
				}
				if strings.Contains(got.Message+got.Subject, "internal cause") || strings.Contains(got.Message, `"incident"`) {
					t.Errorf("notice %d = %q, which is not for customers", n+1, got.Message)
				}
			}
			for n, got := range s.on(starter.Updates) {
				if n%3 == 0 && !strings.Contains(got.bodies(t)["email"], "internal cause") {
					t.Errorf("engineers read %q, want the cause, or this test sees nothing", got.bodies(t)["email"])
				}
			}
		})
	}
}

// plans has a plan that was changed after the incident began.
type plans struct{ current, pinned *plan.Plan }

func (p plans) Current(context.Context) (*plan.Plan, error) { return p.current, nil }

func (p plans) Version(context.Context, int) (*plan.Plan, error) { return p.pinned, nil }

// short is a plan in few lines.
const short = `
organisation: {name: {en: Minato}, contact: "https://minato.test/help", from: notice@minato.test, zone: UTC, locales: [en]}
components: [{id: invoices, name: {en: Sending invoices}, effect: {en: Invoices cannot be sent.}}]

audiences: [engineering, support, management, marketing, staff, customers]
`

func TestNoticeThatFailsDoesNotHoldUpThePointer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		code  string
		after time.Duration // since the update was accepted
		again bool
	}{
		{"NotFound", 0, false},
		{"AuthorizationError", 0, false},
		{"InvalidParameter", 0, false},
		{"KMSDisabled", 0, false},
		{"Throttling", 0, true},
		{"Throttled", 0, true},
		{"InternalError", 0, true},
		{"Throttling", 9 * time.Minute, true},
		{"Throttling", 10 * time.Minute, false},
	} {
		t.Run(tt.code+" after "+tt.after.String(), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "i-1", company(t))
			w.accept(t, incident.Proposal{Stage: incident.Investigating}, incident.Customers)
			s := stub{fault: func(p publication, _ int) string {
				if p.Topic == starter.Notices {
					return tt.code
				}
				return ""
			}}
			var log bytes.Buffer
			later := func() time.Time { return start.Add(tt.after) }
			b := bus.New(s.client(), starter, w.reading(), later, slog.New(slog.NewTextHandler(&log, nil)))
			err := b.Publish(t.Context(), deliver.Pointer{Incident: "i-1", Seq: 1}, soon.Add(tt.after))
			if (err != nil) != tt.again {
				t.Errorf("Publish() = %v, want an error %t: the pointer went", err, tt.again)
			}
			if got := log.String(); strings.Count(got, "level=WARN") != 1 || !strings.Contains(got, `msg="notice not sent" incident=i-1 update=1 error=`) {
				t.Errorf("log = %q, want one warning", got)
			}
			if n := len(s.on(starter.Updates)); n != 1 {
				t.Errorf("%d pointers, want 1", n)
			}
		})
	}
}

// A store that cannot be read just now may be read at the next try, but what is
// not there never comes.
func TestNoticeThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		spoil func(w *world)
		again bool
	}{
		{"the store fails", func(w *world) { w.lost = errors.New("table is away") }, true},
		{"there is no text", func(w *world) { w.texts = nil }, false},
		{"there is no update", func(w *world) { w.updates = nil }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "i-1", company(t))
			w.accept(t, incident.Proposal{Stage: incident.Investigating}, incident.Customers)
			tt.spoil(w)
			var s stub
			err := bus.New(s.client(), starter, w.reading(), now, quiet()).Publish(t.Context(), deliver.Pointer{Incident: "i-1", Seq: 1}, soon)
			if (err != nil) != tt.again || len(s.on(starter.Updates)) != 1 {
				t.Errorf("Publish() = %v after %d pointers, want an error %t after 1", err, len(s.on(starter.Updates)), tt.again)
			}
		})
	}
}

// A pointer that failed is published again by the sweep, and the notice with it:
// it comes twice rather than never.
func TestNoticeComesAgainWithItsPointer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "i-1", company(t))
	w.accept(t, incident.Proposal{Stage: incident.Investigating}, incident.Customers)
	s := stub{fault: func(p publication, n int) string {
		if p.Topic == starter.Updates && n < 2 {
			return "NotFound"
		}
		return ""
	}}
	b := bus.New(s.client(), starter, w.reading(), now, quiet())
	p := deliver.Pointer{Incident: "i-1", Seq: 1}
	if err := b.Publish(t.Context(), p, soon); err == nil {
		t.Error("Publish() = nil, want an error: the pointer did not go")
	}
	if err := b.Publish(t.Context(), p, soon); err != nil {
		t.Errorf("Publish() again = %v", err)
	}
	if n := len(s.on(starter.Notices)); n != 2 {
		t.Errorf("%d notices, want 2", n)
	}
}
