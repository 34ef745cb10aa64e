package deliver

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
)

// desk is a twin with one sender, an open incident and somebody to tell.
type desk struct {
	*twin
	t     *testing.T
	box   *outbox
	snd   *Send
	c     incident.Channel
	chunk Chunk
}

func newDesk(t *testing.T, c incident.Channel) *desk {
	t.Helper()
	w := newTwin()
	d := &desk{twin: w, t: t, c: c, box: &outbox{w: w, keyed: keyed(c)}}
	d.snd = w.send(map[incident.Channel]Sender{c: d.box})
	d.open(theOne)
	d.chunk = Chunk{Incident: theOne, Channel: c, FromSeq: 1}
	return d
}

// reader subscribes somebody and puts them into the chunk.
func (d *desk) reader(n int, change ...func(*incident.Subscriber)) incident.RecipientID {
	id := d.subscribe(d.c, incident.Address(fmt.Sprintf("https://reader%d.test", n)), change...)
	d.chunk.Recipients = append(d.chunk.Recipients, id)
	return id
}

// deliver runs the chunk and answers when it wants to be run again.
func (d *desk) deliver() time.Time {
	d.t.Helper()
	again, err := d.snd.Chunk(d.t.Context(), d.chunk, d.now.Add(time.Minute))
	if err != nil {
		d.t.Fatalf("Chunk = %v", err)
	}
	return again
}

func (d *desk) item(id incident.RecipientID) Item {
	return d.items[Key{Incident: theOne, Channel: d.c, Recipient: id, Slot: d.chunk.Slot}]
}

// shows checks what a recipient has seen.
func (d *desk) shows(id incident.RecipientID, want ...string) {
	d.t.Helper()
	if got := d.box.texts(id); !slices.Equal(got, want) {
		d.t.Errorf("shown %q, want %q", got, want)
	}
}

// marked checks what the ledger says of a text.
func (d *desk) marked(id incident.RecipientID, text int, want Result, reason Reason) {
	d.t.Helper()
	m, _ := d.item(id).find(text)
	if m.Result != want || m.Reason != reason {
		d.t.Errorf("text %d is %s %s, want %s %s", text, m.Result, m.Reason, want, reason)
	}
}

// after runs f once, at the next visit of a port.
func (d *desk) after(point string, f func()) {
	done := false
	d.hook = func(at string) error {
		if at == point && !done {
			done = true
			f()
		}
		return nil
	}
}

func TestSendTakesTheNewest(t *testing.T) {
	t.Parallel()
	d := newDesk(t, incident.Email)
	id := d.reader(1)
	d.chunk.Recipients = append(d.chunk.Recipients, id) // named twice
	d.notice(theOne, incident.Investigating)
	d.notice(theOne, incident.Identified)
	if again := d.deliver(); !again.IsZero() {
		t.Errorf("Chunk = again at %s, want done", again)
	}
	d.shows(id, "2")
	e := d.box.shown[0]
	got := []any{e.Kind, e.Seq, e.Stage, e.Audience, e.Locale, e.To.Reveal(), e.At, e.Key}
	want := []any{
		KindUpdate, 2, incident.Identified, incident.Customers, incident.Locale("en"), "https://reader1.test", noon,
		EnvelopeKey(Key{Incident: theOne, Channel: d.c, Recipient: id}, 2),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("envelope (-want +got):\n%s", diff)
	}
	if u := e.Headers["List-Unsubscribe"]; u != "<https://minato.test/unsubscribe/"+string(id)+">" ||
		e.Headers["List-Unsubscribe-Post"] != "List-Unsubscribe=One-Click" {
		t.Errorf("headers = %v", e.Headers)
	}
	d.deliver() // again: nobody hears twice
	d.shows(id, "2")
	if it := d.item(id); it.Root != "post-1" || it.State != Done {
		t.Errorf("item = %+v, want it done with its post", it)
	}
}

func TestSendBringsWhatIsOwedFirst(t *testing.T) {
	t.Parallel()
	for _, c := range []incident.Channel{incident.SMS, incident.Email} {
		d := newDesk(t, c)
		told, fresh := d.reader(1), d.reader(2)
		d.chunk.Recipients = []incident.RecipientID{told}
		d.notice(theOne, incident.Investigating)
		d.deliver()
		d.notice(theOne, incident.Identified)
		d.mend(theOne, incident.Retraction, 1)
		d.chunk.Recipients = []incident.RecipientID{told, fresh}
		d.deliver()
		d.shows(told, "1", "3", "2")
		d.shows(fresh, "2")
		if it := d.item(fresh); it.Seq != 3 {
			t.Errorf("%s: the newest was claimed under %d, want the retraction's number", c, it.Seq)
		}
	}
}

func TestSendCorrectsPlainly(t *testing.T) {
	t.Parallel()
	d := newDesk(t, incident.SMS)
	told, fresh := d.reader(1), d.reader(2)
	d.chunk.Recipients = []incident.RecipientID{told}
	d.notice(theOne, incident.Investigating)
	d.deliver()
	d.mend(theOne, incident.Correction, 1)
	d.chunk.Recipients = []incident.RecipientID{told, fresh}
	d.deliver()
	d.shows(told, "1", "2")
	d.shows(fresh, "2 plain")
}

// What changes between the claim and the check is what counts.
func TestSendChecksAfterTheClaim(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*desk, incident.RecipientID)
		shown  []string
		result Result
		reason Reason
	}{
		{"retracted", func(d *desk, _ incident.RecipientID) { d.mend(theOne, incident.Retraction, 2) }, []string{"1"}, Withdrawn, ""},
		{"superseded", func(d *desk, _ incident.RecipientID) { d.notice(theOne, incident.Monitoring) }, []string{"3"}, Superseded, ""},
		{"merged", func(d *desk, _ incident.RecipientID) { d.merge(theOne, other) }, nil, Withdrawn, ""},
		{"unsubscribed", func(d *desk, id incident.RecipientID) { d.setState(d.c, id, incident.Unsubscribed) }, nil, Unsubscribed, Gone},
		{"suppressed", func(d *desk, id incident.RecipientID) { d.setState(d.c, id, incident.Suppressed) }, nil, Unsubscribed, Gone},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, incident.SMS)
			d.open(other)
			id := d.reader(1)
			d.notice(theOne, incident.Investigating)
			d.notice(theOne, incident.Identified)
			d.after("claim done", func() { c.change(d, id) })
			if again := d.deliver(); !again.IsZero() {
				t.Errorf("Chunk = again at %s, want done", again)
			}
			d.shows(id, c.shown...)
			d.marked(id, 2, c.result, c.reason)
			if it := d.item(id); it.State != Done {
				t.Errorf("item = %+v, want it done", it)
			}
		})
	}
}

// A retraction that gave way to a newer text is told after all when that text
// is withdrawn before it went out.
func TestSendKeepsWhatIsOwedWhenTheNewerTextGoes(t *testing.T) {
	t.Parallel()
	d := newDesk(t, incident.Email)
	id := d.reader(1)
	d.notice(theOne, incident.Investigating)
	d.deliver()
	d.notice(theOne, incident.Identified)
	d.mend(theOne, incident.Retraction, 1)
	d.notice(theOne, incident.Monitoring) // names the retraction in its timeline
	d.after("claim done", func() { d.mend(theOne, incident.Retraction, 4) })
	d.deliver()
	d.shows(id, "1", "3", "2")
	d.marked(id, 4, Withdrawn, "")
}

func TestSendStopsForTheMembersThatLeft(t *testing.T) {
	t.Parallel()
	d := newDesk(t, incident.Email)
	sato := hashOf(d.c, "sato@minato.test")
	d.chunk.Recipients = []incident.RecipientID{sato}
	d.notice(theOne, incident.Investigating)
	d.after("claim done", func() {
		left := *d.plan
		left.Members = nil
		d.plan = &left
	})
	d.deliver()
	d.shows(sato)
	d.marked(sato, 1, Unsubscribed, Gone)
}

func TestSendByOutcome(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		reason Reason
		result Result
		wait   bool
		gone   int
		tell   int
	}{
		{name: "throttled", reason: Throttled, wait: true},
		{name: "unavailable", reason: Unavailable, wait: true},
		{name: "timed out", reason: TimedOut, result: Unknown, wait: true},
		{name: "not begun", reason: NotBegun, wait: true},
		{name: "unauthorised", reason: Unauthorised, wait: true, tell: 1},
		{name: "rejected", reason: Rejected, result: Refused},
		{name: "forbidden", reason: Forbidden, result: Refused},
		{name: "gone", reason: Gone, result: Refused, gone: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, incident.Webhook)
			id := d.reader(1)
			d.notice(theOne, incident.Investigating)
			d.box.answer = func(Envelope) (Outcome, bool) { return Outcome{Failure: &Failure{Reason: c.reason}}, false }
			again := d.deliver()
			if !again.IsZero() != c.wait || c.wait && !again.After(d.now) {
				t.Errorf("Chunk = again at %s, want it to wait: %t", again, c.wait)
			}
			if m, _ := d.item(id).find(1); m.Result != c.result {
				t.Errorf("text 1 is %q, want %q", m.Result, c.result)
			}
			if len(d.gone) != c.gone || d.told[c.reason] != c.tell {
				t.Errorf("%d subscriptions ended, operators told %v; want %d, %d", len(d.gone), d.told, c.gone, c.tell)
			}
			d.box.answer = nil
			if d.now = again; !c.wait {
				return
			}
			if again := d.deliver(); !again.IsZero() {
				t.Errorf("Chunk once more = again at %s, want done", again)
			}
			d.shows(id, "1")
		})
	}
}

func TestSendGivesUp(t *testing.T) {
	t.Parallel()
	d := newDesk(t, incident.Webhook)
	id := d.reader(1)
	d.notice(theOne, incident.Investigating)
	d.box.answer = func(Envelope) (Outcome, bool) { return Outcome{Failure: &Failure{Reason: Unavailable}}, false }
	begin := d.now
	for tries := 1; ; tries++ {
		again := d.deliver()
		if again.IsZero() {
			if tries != maxWaits || d.box.calls != maxWaits {
				t.Errorf("gave up after %d runs and %d calls, want %d", tries, d.box.calls, maxWaits)
			}
			if d.now.Sub(begin) < 24*time.Hour {
				t.Errorf("gave up after %s, want a day at least", d.now.Sub(begin))
			}
			break
		}
		d.now = again
	}
	d.marked(id, 1, Failed, Exhausted)
	if d.told[Exhausted] != 1 {
		t.Errorf("operators were told %v, want of one exhausted", d.told)
	}
	d.box.answer = nil
	d.notice(theOne, incident.Identified) // a newer text begins anew
	d.deliver()
	d.shows(id, "2")
}

// What kills its sender every time is given up too.
func TestSendGivesUpOnWhatKills(t *testing.T) {
	t.Parallel()
	d := newDesk(t, incident.Webhook)
	id := d.reader(1)
	d.notice(theOne, incident.Investigating)
	d.box.answer = func(Envelope) (Outcome, bool) { panic(crash{}) }
	run := func() (died bool) {
		defer func() { died = recover() != nil }()
		d.deliver()
		return false
	}
	runs := 0
	for ; run(); runs++ {
		d.now = d.now.Add(time.Hour)
	}
	if runs != maxWaits {
		t.Errorf("tried %d times, want %d", runs, maxWaits)
	}
	d.marked(id, 1, Unknown, Exhausted)
	if d.told[Exhausted] != 1 {
		t.Errorf("operators were told %v, want of one exhausted", d.told)
	}
}

func TestSendRepeatsOnceWithoutAKey(t *testing.T) {
	t.Parallel()
	d := newDesk(t, incident.Email)
	id := d.reader(1)
	d.notice(theOne, incident.Investigating)
	d.box.answer = func(Envelope) (Outcome, bool) { return Outcome{Failure: &Failure{Reason: TimedOut}}, true }
	begin := d.now
	var again time.Time
	for again = d.deliver(); !again.IsZero(); again = d.deliver() {
		if again.Sub(begin) < repeatAfter {
			t.Errorf("tried again after %s, want %s at least", again.Sub(begin), repeatAfter)
		}
		d.now = again
	}
	d.shows(id, "1", "1")
	d.marked(id, 1, Unknown, Exhausted)
	if d.ticks[TickRepeat] != 1 || d.ticks[TickUnknown] != 2 {
		t.Errorf("counted %v, want one possible duplicate and two unknown", d.ticks)
	}
}

func TestSendEndsBeforeItsLease(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ lease, left, want time.Duration }{
		{0, time.Hour, defaultLease - leaseMargin},
		{30 * time.Second, time.Hour, 30*time.Second - leaseMargin},
		{0, 20 * time.Second, 20 * time.Second},
	} {
		d := newDesk(t, incident.Email)
		id := d.reader(1)
		d.snd.Lease = c.lease
		d.notice(theOne, incident.Investigating)
		if _, err := d.snd.Chunk(t.Context(), d.chunk, d.now.Add(c.left)); err != nil {
			t.Fatal(err)
		}
		if got := d.box.until.Sub(d.now); got != c.want || d.item(id).LeaseUntil.Sub(d.box.until) < leaseMargin {
			t.Errorf("Chunk(lease %s, %s left) sends for %s, lease until %s, want %s", c.lease, c.left, got, d.item(id).LeaseUntil, c.want)
		}
	}
}

// Somebody else was faster: what is left to tell after them is told.
func TestSendGoesOnAfterOthers(t *testing.T) {
	t.Parallel()
	d := newDesk(t, incident.SMS)
	id := d.reader(1)
	d.notice(theOne, incident.Investigating)
	d.deliver()
	d.notice(theOne, incident.Identified)
	d.mend(theOne, incident.Retraction, 1)
	key := Key{Incident: theOne, Channel: d.c, Recipient: id}
	d.after("items done", func() {
		it := d.items[key].clone()
		it.Seq, it.Text = 3, 3
		it.mark(Mark{Seq: 3, Text: 3, Result: Sent})
		d.items[key] = it
	})
	d.deliver()
	d.shows(id, "1", "2")
}

func TestSendHonoursTheDeadline(t *testing.T) {
	t.Parallel()
	for _, left := range []time.Duration{leastTime - time.Millisecond, time.Millisecond, 0, -time.Millisecond} {
		d := newDesk(t, incident.Email)
		id := d.reader(1)
		d.notice(theOne, incident.Investigating)
		again, err := d.snd.Chunk(t.Context(), d.chunk, d.now.Add(left))
		if err != nil || !again.Equal(d.now) || d.item(id).Seq != 0 {
			t.Errorf("Chunk(%s left) = %s, %v, claimed %d, want again at once and nothing claimed", left, again, err, d.item(id).Seq)
		}
	}
	t.Run("that passes after the claim", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, incident.Email)
		id := d.reader(1)
		d.notice(theOne, incident.Investigating)
		d.after("find done", func() { d.now = d.now.Add(time.Minute) })
		if again := d.deliver(); again.IsZero() || d.item(id).Attempts != 0 || d.item(id).State != Waiting {
			t.Errorf("Chunk = %s, item %+v, want not begun and tried again", again, d.item(id))
		}
		d.shows(id)
	})
}

func TestSendWaits(t *testing.T) {
	t.Parallel()
	d := newDesk(t, incident.Email)
	for n := range 40 {
		d.reader(n)
	}
	d.notice(theOne, incident.Investigating)
	d.paces[d.c] = Pace{Off: true}
	if again := d.deliver(); !again.Equal(d.now.Add(switchWait)) || len(d.items) != 0 {
		t.Errorf("Chunk(switched off) = %s, %d claimed, want none for %s", again, len(d.items), switchWait)
	}
	d.paces[d.c] = Pace{Rate: 20, Burst: 20}
	runs := 0
	for again := d.deliver(); !again.IsZero(); again = d.deliver() {
		d.now = again
		runs++
	}
	if len(d.box.shown) != 40 || runs < 2 {
		t.Errorf("%d shown after %d waits, want 40 after some", len(d.box.shown), runs)
	}
}

// A provider that answers nobody is left alone, and found again by one call.
func TestSendProbes(t *testing.T) {
	t.Parallel()
	d := newDesk(t, incident.Email)
	for n := range 40 {
		d.reader(n)
	}
	d.notice(theOne, incident.Investigating)
	d.box.answer = func(Envelope) (Outcome, bool) { return Outcome{Failure: &Failure{Reason: Unavailable}}, false }
	d.deliver()
	if d.box.calls != waveSize {
		t.Fatalf("%d calls before it opened, want %d", d.box.calls, waveSize)
	}
	d.now = d.now.Add(firstBreak)
	d.deliver()
	if d.box.calls != waveSize+1 {
		t.Fatalf("%d calls to probe, want 1", d.box.calls-waveSize)
	}
	d.box.answer = nil
	d.now = d.now.Add(2 * firstBreak)
	for again := d.deliver(); !again.IsZero(); again = d.deliver() {
		d.now = again
	}
	if len(d.box.shown) != 40 {
		t.Errorf("%d shown in the end, want 40", len(d.box.shown))
	}
}

// A retry that only waits for its turn spends nothing of the budget, and a first
// attempt that does earns nothing.
func TestSendSpendsWhatItSends(t *testing.T) {
	t.Parallel()
	d := newDesk(t, incident.Email)
	for n := range 4 {
		d.reader(n)
	}
	d.notice(theOne, incident.Investigating)
	d.box.answer = func(Envelope) (Outcome, bool) { return Outcome{Failure: &Failure{Reason: Unavailable}}, false }
	d.deliver()
	d.box.answer = nil
	d.now = d.now.Add(time.Hour)
	for _, pace := range []Pace{{Off: true}, {Rate: 1, Burst: 1, Used: 1, At: d.now}} {
		d.paces[d.c] = pace
		for range 10 {
			d.deliver()
		}
	}
	if n := d.snd.Budget.Take(d.c, budgetBurst, d.now); n != budgetBurst {
		t.Errorf("Take(after waiting) = %d, want %d", n, budgetBurst)
	}
	if got := d.ticks[TickRetry]; got != 0 {
		t.Errorf("counted %d retries, want 0", got)
	}
	other := newDesk(t, incident.Email)
	other.reader(1)
	other.notice(theOne, incident.Investigating)
	other.paces[other.c] = Pace{Off: true}
	other.snd.Budget.Take(other.c, budgetBurst, other.now)
	for range 20 {
		other.deliver()
	}
	if n := other.snd.Budget.Take(other.c, 1, other.now); n != 0 {
		t.Errorf("Take(after first attempts that were not made) = %d, want 0", n)
	}
}

func TestSendStopsWhereTheChannelIsThrottled(t *testing.T) {
	t.Parallel()
	d := newDesk(t, incident.Email)
	for n := range 40 {
		d.reader(n)
	}
	d.notice(theOne, incident.Investigating)
	d.box.answer = func(Envelope) (Outcome, bool) {
		return Outcome{Failure: &Failure{Reason: Throttled, RetryAfter: time.Minute}}, false
	}
	again := d.deliver()
	if d.box.calls != waveSize || !again.Equal(d.now.Add(time.Minute)) {
		t.Errorf("Chunk = again at %s after %d calls, want in a minute after one wave", again, d.box.calls)
	}
}

func TestSendKeepsOutOfOthersHands(t *testing.T) {
	t.Parallel()
	d := newDesk(t, incident.Email)
	id := d.reader(1)
	d.notice(theOne, incident.Investigating)
	key := Key{Incident: theOne, Channel: d.c, Recipient: id}
	until := d.now.Add(time.Minute)
	d.items[key] = Item{Seq: 1, Text: 1, State: Claimed, Lease: "theirs", LeaseUntil: until}
	if again := d.deliver(); !again.Equal(until) || d.box.calls != 0 {
		t.Errorf("Chunk(busy) = %s after %d calls, want %s and none", again, d.box.calls, until)
	}
}

func TestSendSettlesOnlyItsOwn(t *testing.T) {
	t.Parallel()
	d := newDesk(t, incident.Email)
	id := d.reader(1)
	d.notice(theOne, incident.Investigating)
	key := Key{Incident: theOne, Channel: d.c, Recipient: id}
	d.after("settle", func() {
		it := d.items[key]
		it.Lease = "theirs"
		d.items[key] = it
	})
	if again := d.deliver(); again.IsZero() || d.ticks[TickLost] != 1 || d.items[key].Lease != "theirs" {
		t.Errorf("Chunk = %s, counted %v, want the lost settlement counted and looked at again", again, d.ticks)
	}
}

// A settlement that fails once is made again: otherwise the lease would end as
// unknown, and a reader without a key be told a second time.
func TestSendSettlesOnceMore(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"settle", "settle done"} { // before its effect, after it
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, incident.Email)
			id := d.reader(1)
			d.notice(theOne, incident.Investigating)
			failed := false
			d.hook = func(at string) error {
				if at == point && !failed {
					failed = true
					return errFault
				}
				return nil
			}
			again := d.deliver()
			if !failed || again.IsZero() != (point == "settle") {
				t.Errorf("Chunk = %s, want it done unless the answer alone was lost", again)
			}
			d.now = d.now.Add(time.Hour) // past the lease
			if again := d.deliver(); !again.IsZero() || d.box.calls != 1 {
				t.Errorf("Chunk an hour later = %s after %d calls, want it done after 1", again, d.box.calls)
			}
			if it := d.items[Key{Incident: theOne, Channel: d.c, Recipient: id}]; it.State != Done || d.ticks[TickUnknown] != 0 {
				t.Errorf("the line = %+v, counted %v, want it done and nothing unknown", it, d.ticks)
			}
		})
	}
}

func TestSendReleasesWhatItCannotSend(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"plan", "incident", "find", "message"} {
		d := newDesk(t, incident.Email)
		id := d.reader(1)
		d.notice(theOne, incident.Investigating)
		claimed := false
		d.hook = func(at string) error {
			claimed = claimed || at == "claim done"
			if claimed && at == point {
				return errFault
			}
			return nil
		}
		if _, err := d.snd.Chunk(t.Context(), d.chunk, d.now.Add(time.Minute)); !errors.Is(err, errFault) {
			t.Errorf("Chunk(fault at %s) = %v, want %v", point, err, errFault)
		}
		if it := d.item(id); it.State != Waiting || it.Told(1) {
			t.Errorf("after a fault at %s the item is %+v, want it free", point, it)
		}
		d.hook = nil
		d.deliver()
		d.shows(id, "1")
	}
}

func TestSendChoosesTheAudience(t *testing.T) {
	t.Parallel()
	d := newDesk(t, incident.Email)
	sato := d.subscribe(d.c, "sato@minato.test") // a member who subscribed as a customer too
	french := d.reader(1, func(s *incident.Subscriber) { s.Locale, s.Zone = "fr", "Europe/Paris" })
	nobody := d.reader(2, func(s *incident.Subscriber) { s.Audience = incident.Staff })
	d.chunk.Recipients = append(d.chunk.Recipients, sato)
	d.notice(theOne, incident.Investigating)
	d.deliver()
	got := map[incident.RecipientID]string{}
	for _, e := range d.box.shown {
		got[e.Recipient] = fmt.Sprint(e.Audience, " ", e.Locale, " ", len(e.Headers))
	}
	want := map[incident.RecipientID]string{sato: "engineering ja 0", french: "customers ja 2", nobody: "staff en 2"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("told as (-want +got):\n%s", diff)
	}
}

func TestSendWithoutWords(t *testing.T) {
	t.Parallel()
	d := newDesk(t, incident.Email)
	id := d.reader(1)
	d.notice(theOne, incident.Investigating)
	d.lost["en"] = true
	d.deliver()
	d.shows(id, "1") // in the organisation's first locale
	d.lost["ja"] = true
	d.notice(theOne, incident.Identified)
	if again := d.deliver(); !again.IsZero() || d.told[Rejected] != 1 {
		t.Errorf("Chunk = %s, operators told %v, want it given up and told", again, d.told)
	}
	d.marked(id, 2, Failed, Rejected)
}

func TestSendToATarget(t *testing.T) {
	t.Parallel()
	d := newDesk(t, mastodon)
	id := hashOf(mastodon, d.plan.Targets[0].Address)
	d.chunk.Recipients = []incident.RecipientID{id}
	for _, st := range []incident.Stage{incident.Investigating, incident.Identified, incident.Monitoring} {
		d.notice(theOne, st)
		d.deliver()
	}
	d.shows(id, "1", "2", "3")
	e := d.box.shown[2]
	if e.Root != "post-1" || e.Last != "post-2" || e.Target.ID != "account-en" || e.Headers != nil {
		t.Errorf("envelope = %+v, want it to follow its own posts", e)
	}
}

func TestSendInQuietHours(t *testing.T) {
	t.Parallel()
	night := time.Date(2026, 9, 15, 23, 30, 0, 0, time.UTC)
	morning := time.Date(2026, 9, 16, 7, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name     string
		channel  incident.Channel
		severity incident.Severity
		before   []incident.Stage // told before
		now      incident.Stage
		held     bool
	}{
		{name: "major", channel: incident.SMS, severity: incident.Major, now: incident.Investigating, held: true},
		{name: "critical, first", channel: incident.SMS, severity: incident.Critical, now: incident.Investigating},
		{name: "critical, not first", channel: incident.SMS, severity: incident.Critical, before: []incident.Stage{incident.Investigating}, now: incident.Identified, held: true},
		{name: "critical, resolved", channel: incident.SMS, severity: incident.Critical, before: []incident.Stage{incident.Investigating}, now: incident.Resolved, held: true},
		{name: "critical, reopened", channel: incident.SMS, severity: incident.Critical, before: []incident.Stage{incident.Investigating, incident.Resolved}, now: incident.Investigating},
		{name: "mail", channel: incident.Email, severity: incident.Major, now: incident.Investigating},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, c.channel)
			id := d.reader(1)
			for _, st := range c.before {
				d.publish(theOne, incident.Proposal{Kind: incident.Notice, Stage: st, Severity: c.severity})
				d.deliver()
			}
			p := *d.plan
			p.Quiet = plan.Quiet{From: "23:00", To: "07:00", Set: true}
			d.plan, d.now = &p, night
			d.publish(theOne, incident.Proposal{Kind: incident.Notice, Stage: c.now, Severity: c.severity})
			again := d.deliver()
			if c.held != again.Equal(morning) || c.held == again.IsZero() {
				t.Errorf("Chunk at night = again at %s, want held: %t", again, c.held)
			}
			if d.now = morning; c.held {
				d.deliver()
			}
			if got := len(d.box.texts(id)); got != len(c.before)+1 {
				t.Errorf("%d texts in the morning, want %d", got, len(c.before)+1)
			}
		})
	}
}

func TestSendInADrill(t *testing.T) {
	t.Parallel()
	d := newDesk(t, incident.Email)
	const id incident.ID = "drill-1"
	d.open(id)
	p := *d.plan
	p.DrillRecipients = []plan.MemberID{"sato"}
	p.Members = append(slices.Clone(p.Members), plan.Member{
		ID: "suzuki", Locale: "ja", Audiences: []incident.Audience{incident.Engineering},
		Addresses: map[incident.Channel]incident.Address{incident.Email: "suzuki@minato.test"},
	})
	d.plan = &p
	d.chunk.Incident = id
	customer := d.reader(1)
	suzuki, sato := hashOf(d.c, "suzuki@minato.test"), hashOf(d.c, "sato@minato.test")
	d.chunk.Recipients = append(d.chunk.Recipients, suzuki, sato)
	d.notice(id, incident.Investigating)
	d.deliver()
	if len(d.box.shown) != 1 || d.box.shown[0].Recipient != sato {
		t.Errorf("the drill reached %d, want sato alone", len(d.box.shown))
	}
	for _, r := range []incident.RecipientID{customer, suzuki} {
		if m, _ := d.items[Key{Incident: id, Channel: d.c, Recipient: r}].find(1); m.Result != Refused || m.Reason != Forbidden {
			t.Errorf("an outsider of the drill is %+v, want refused", m)
		}
	}
}

func TestSendMemo(t *testing.T) {
	t.Parallel()
	pending := func(s *incident.Subscriber) { s.State = incident.Pending }
	for _, c := range []struct {
		name   string
		memo   Memo
		state  func(*incident.Subscriber)
		during func(*desk) // between claim and check
		result Result
		reason Reason
	}{
		{name: "operator", memo: Memo{Kind: KindOperator, VoidAfter: -1}, result: Sent},
		{name: "confirmation", memo: Memo{Kind: KindConfirmation, VoidAfter: -1}, state: pending, result: Sent},
		{name: "a reminder to one who has not confirmed", memo: Memo{Kind: KindReminder, VoidAfter: -1}, state: pending, result: Unsubscribed, reason: Gone},
		{name: "still in time", memo: Memo{Kind: KindReminder, VoidAfter: 1, Until: noon.Add(1)}, result: Sent},
		{name: "too late", memo: Memo{Kind: KindReminder, VoidAfter: -1, Until: noon}, result: Superseded, reason: TooLate},
		{name: "a newer update", memo: Memo{Kind: KindReminder, VoidAfter: 0}, result: Superseded, reason: TooLate},
		{
			name: "a newer update after the claim", memo: Memo{Kind: KindReminder, VoidAfter: 1},
			during: func(d *desk) { d.notice(theOne, incident.Identified) }, result: Superseded, reason: TooLate,
		},
		{
			name: "resolved after the claim", memo: Memo{Kind: KindReminder, VoidAfter: 5},
			during: func(d *desk) { d.notice(theOne, incident.Resolved) }, result: Superseded, reason: TooLate,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, incident.Email)
			if c.state == nil {
				c.state = func(*incident.Subscriber) {}
			}
			id := d.reader(1, c.state)
			d.notice(theOne, incident.Investigating)
			c.memo.Incident, c.memo.Slot, c.memo.Channel, c.memo.Recipient = theOne, "s", d.c, id
			c.memo.Locale, c.memo.Content = "ja", message.Content{Text: "9"}
			d.memos[string(theOne)+"/s"] = c.memo
			d.chunk.FromSeq, d.chunk.Slot = 0, "s"
			if c.during != nil {
				d.after("claim done", func() { c.during(d) })
			}
			for range 2 { // the second time is a repeat
				if again := d.deliver(); !again.IsZero() {
					t.Errorf("Chunk = again at %s, want done", again)
				}
			}
			d.marked(id, 1, c.result, c.reason)
			if d.item(id).State != Done || (c.result == Sent) != (len(d.box.shown) == 1) {
				t.Errorf("item %+v, %d shown", d.item(id), len(d.box.shown))
			}
			if c.result == Sent && (d.box.shown[0].Kind != c.memo.Kind || d.box.shown[0].Locale != "ja") {
				t.Errorf("envelope = %+v", d.box.shown[0])
			}
		})
	}
}

func TestSendMemoThatIsKeptNoLonger(t *testing.T) {
	t.Parallel()
	d := newDesk(t, incident.Email)
	d.reader(1)
	d.chunk.FromSeq, d.chunk.Slot = 0, "s"
	if again := d.deliver(); !again.IsZero() || len(d.items) != 0 {
		t.Errorf("Chunk(memo gone) = %s, %d items, want nothing", again, len(d.items))
	}
}

// Confirmations go on where updates leave a part of the rate for them.
func TestSendConfirmationAtItsOwnPace(t *testing.T) {
	t.Parallel()
	d := newDesk(t, incident.Email)
	id := d.reader(1, func(s *incident.Subscriber) { s.State = incident.Pending })
	d.memos[string(NoIncident)+"/s"] = Memo{
		Incident: NoIncident, Slot: "s", Kind: KindConfirmation, Channel: d.c, Recipient: id, Locale: "en", VoidAfter: -1,
	}
	d.chunk = Chunk{Incident: NoIncident, Channel: d.c, Slot: "s", Recipients: []incident.RecipientID{id}}
	d.paces[d.c] = Pace{Off: true}
	spare := newTwin()
	d.snd.Spare = spare
	if again := d.deliver(); !again.IsZero() || len(d.box.shown) != 1 {
		t.Errorf("Chunk(confirmation) = %s, %d shown, want it sent", again, len(d.box.shown))
	}
}

func TestSendRefusesNonsense(t *testing.T) {
	t.Parallel()
	good := Chunk{Incident: theOne, Channel: incident.Email, FromSeq: 1, Recipients: []incident.RecipientID{"r"}}
	for name, spoil := range map[string]func(*Chunk){
		"no incident":       func(c *Chunk) { c.Incident = "" },
		"no recipients":     func(c *Chunk) { c.Recipients = nil },
		"neither seq, slot": func(c *Chunk) { c.FromSeq = 0 },
		"both seq and slot": func(c *Chunk) { c.Slot = "s" },
		"unknown channel":   func(c *Chunk) { c.Channel = "pigeon" },
	} {
		d, c := newDesk(t, incident.Email), good
		spoil(&c)
		if _, err := d.snd.Chunk(t.Context(), c, d.now.Add(time.Minute)); !errors.Is(err, incident.ErrInvalid) {
			t.Errorf("Chunk(%s) = %v, want %v", name, err, incident.ErrInvalid)
		}
	}
}

func TestErrorsHoldNoAddress(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"plan", "incident", "items", "reserve", "claim", "find", "message", "settle", "report"} {
		d := newDesk(t, incident.Email)
		d.reader(1)
		d.notice(theOne, incident.Investigating)
		d.hook = func(at string) error {
			if at == point {
				return errFault
			}
			return nil
		}
		_, err := d.snd.Chunk(t.Context(), d.chunk, d.now.Add(time.Minute))
		if !errors.Is(err, errFault) || strings.Contains(err.Error(), "reader1") {
			t.Errorf("Chunk(fault at %s) = %v, want the fault and no address", point, err)
		}
	}
}
