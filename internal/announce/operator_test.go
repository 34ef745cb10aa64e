package announce_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"shirase/internal/announce"
	"shirase/internal/incident"
	"shirase/internal/message"
)

func TestOpenTellsAndPromises(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	inc := s.open(trouble())
	if inc.Stage != incident.Investigating || inc.Seq != 1 {
		t.Errorf("Open() = stage %s, seq %d, want investigating, 1", inc.Stage, inc.Seq)
	}
	if want := noon.Add(30 * time.Minute); len(inc.Promises) != 1 || !inc.Promises[0].By.Equal(want) {
		t.Errorf("Open() promises %v, want one by %s", inc.Promises, want)
	}
	if len(s.told) != 1 || s.told[0].Seq != 1 {
		t.Errorf("the bus got %v, want the pointer of update 1", s.told)
	}
	ms, err := s.store.Messages(t.Context(), inc.ID, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(ms) != 12 { // six audiences in two languages
		t.Errorf("stored %d messages, want 12", len(ms))
	}
	if left, err := s.store.Outbox(t.Context(), noon.Add(time.Hour), 10); err != nil || len(left) != 0 {
		t.Errorf("Outbox() = %v, %v, want it empty once published", left, err)
	}
}

// TestOpenNeverPromisesWhatIsOver lets the program sleep while it writes the
// texts, as a laptop does.
func TestOpenNeverPromisesWhatIsOver(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	render, slept := s.Render, false
	s.Render = func(in message.Input) ([]message.Message, []message.Finding, error) {
		if !slept {
			slept = true
			s.set(s.clock().Add(2 * time.Hour))
		}
		return render(in)
	}
	inc := s.open(trouble())
	if want := s.clock().Add(30 * time.Minute); len(inc.Promises) != 1 || !inc.Promises[0].By.Equal(want) {
		t.Errorf("Open() promises %v, want one by %s", inc.Promises, want)
	}
}

func TestOpenListsEveryFault(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	_, err := s.Open(t.Context(), announce.OpenInput{Components: []incident.ComponentID{"nope"}, Severity: "huge"}, who)
	if !errors.Is(err, incident.ErrInvalid) {
		t.Fatalf("Open() = %v, want ErrInvalid", err)
	}
	for _, want := range []string{"severity", "components.0"} {
		if !hasField(err, want) {
			t.Errorf("Open() = %v, want a fault of %s", err, want)
		}
	}
}

func hasField(err error, field string) bool {
	var walk func(error) bool
	walk = func(err error) bool {
		switch e := err.(type) { //nolint:errorlint // it walks the tree
		case *incident.FieldError:
			return e.Field == field
		case interface{ Unwrap() []error }:
			return slices.ContainsFunc(e.Unwrap(), walk)
		case interface{ Unwrap() error }:
			return walk(e.Unwrap())
		}
		return false
	}
	return walk(err)
}

func TestPreviewIsWhatIsSent(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	inc := s.open(trouble())
	in := announce.UpdateInput{
		Stage: incident.Identified,
		Facts: incident.Facts{Cause: confirmed(incident.Text{"ja": "設定の変更が原因です。", "en": "A changed setting is the cause."})},
	}
	before := len(s.told)
	p, err := s.Preview(t.Context(), inc.ID, in, who)
	if err != nil {
		t.Fatalf("Preview() = %v", err)
	}
	if got := s.read(inc.ID); got.Version != inc.Version || len(s.told) != before {
		t.Error("Preview() has an effect")
	}
	s.pass(3*time.Minute + 7*time.Second) // the approver reads
	in.Hash = p.Hash
	r, err := s.Update(t.Context(), inc.ID, in, who)
	if err != nil {
		t.Fatalf("Update() with the preview's hash = %v", err)
	}
	sent, err := s.store.Messages(t.Context(), inc.ID, r.Update.Seq)
	if err != nil {
		t.Fatal(err)
	}
	if got := message.Digest(sent); got != message.Digest(p.Messages) {
		t.Errorf("the stored texts have the digest %s, want the preview's %s", got, message.Digest(p.Messages))
	}
}

func TestPreviewOfAnOpeningIsWhatIsSent(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for n := range 2 { // the very same trouble may come twice
		p, err := s.PreviewOpen(t.Context(), trouble(), who)
		if err != nil {
			t.Fatal(err)
		}
		s.pass(2*time.Minute + 11*time.Second)
		in := trouble()
		in.Hash = p.Hash
		r, err := s.Open(t.Context(), in, who)
		if err != nil {
			t.Fatalf("Open() %d with the preview's hash = %v", n, err)
		}
		sent, err := s.store.Messages(t.Context(), r.Incident.ID, 1)
		if err != nil {
			t.Fatal(err)
		}
		if message.Digest(sent) != message.Digest(p.Messages) {
			t.Error("what was stored is not what was previewed")
		}
		in.Severity = incident.Minor
		if _, err := s.Open(t.Context(), in, who); !isStale(err) {
			t.Errorf("Open() of something else with that hash = %v, want a StaleError", err)
		}
	}
	p, err := s.PreviewOpen(t.Context(), trouble(), who)
	if err != nil {
		t.Fatal(err)
	}
	s.pass(16 * time.Minute)
	in := trouble()
	in.Hash = p.Hash
	if _, err := s.Open(t.Context(), in, who); !isStale(err) {
		t.Errorf("Open() with a hash of 16 minutes ago = %v, want a StaleError", err)
	}
}

func isStale(err error) bool {
	_, ok := errors.AsType[*announce.StaleError](err)
	return ok
}

func TestStaleHashSendsNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	inc := s.open(trouble())
	p, err := s.Preview(t.Context(), inc.ID, announce.UpdateInput{}, who)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Update(t.Context(), inc.ID, announce.UpdateInput{Stage: incident.Identified}, who); err != nil {
		t.Fatal(err)
	}
	_, err = s.Update(t.Context(), inc.ID, announce.UpdateInput{Hash: p.Hash}, who)
	stale, ok := errors.AsType[*announce.StaleError](err)
	if !ok {
		t.Fatalf("Update() with an old hash = %v, want a StaleError", err)
	}
	if stale.Fresh.Hash == p.Hash || len(stale.Fresh.Messages) == 0 {
		t.Error("the StaleError holds no fresh texts")
	}
	if got := s.read(inc.ID).Seq; got != 2 {
		t.Errorf("seq = %d, want 2: nothing was sent", got)
	}
}

func TestSameKeySameAnswer(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	a := announce.Actor{Name: "sato", Once: &announce.Once{Key: "k", Body: "b"}}
	first, err := s.Open(t.Context(), trouble(), a)
	if err != nil {
		t.Fatal(err)
	}
	s.pass(47 * time.Hour)
	again, err := s.Open(t.Context(), trouble(), a)
	if err != nil {
		t.Fatal(err)
	}
	if again.Incident.ID != first.Incident.ID || again.Incident.Version != first.Incident.Version {
		t.Errorf("the repeat answers %s at %d, want %s at %d", again.Incident.ID, again.Incident.Version, first.Incident.ID, first.Incident.Version)
	}
	other := announce.Actor{Name: "sato", Once: &announce.Once{Key: "k", Body: "other"}}
	if _, err := s.Open(t.Context(), trouble(), other); !errors.Is(err, announce.ErrReused) {
		t.Errorf("the same key with another body = %v, want ErrReused", err)
	}
	s.pass(2 * time.Hour)
	fresh, err := s.Open(t.Context(), trouble(), a)
	if err != nil {
		t.Fatal(err)
	}
	if fresh.Incident.ID == first.Incident.ID {
		t.Error("after 48 hours the key is still remembered")
	}
}

func TestIfMatch(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	inc := s.open(trouble())
	_, err := s.Update(t.Context(), inc.ID, announce.UpdateInput{}, announce.Actor{Name: "mori", IfMatch: inc.Version + 1})
	if e, ok := errors.AsType[*announce.VersionError](err); !ok || e.Have != inc.Version {
		t.Errorf("Update() with another version = %v, want a VersionError that says %d", err, inc.Version)
	}
}

func TestRetractionOfTheOnlyNoticeEndsIt(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	inc := s.open(trouble())
	r, err := s.Update(t.Context(), inc.ID, announce.UpdateInput{Kind: incident.Retraction, Of: 1}, who)
	if err != nil {
		t.Fatal(err)
	}
	if r.Incident.End != incident.EndWithdrawn || !r.Update.Final() {
		t.Errorf("after the retraction: end %q, final %v, want withdrawn, true", r.Incident.End, r.Update.Final())
	}
	if len(s.live()) != 0 {
		t.Error("the incident is still live")
	}
	if next, ok, _ := s.store.NextDue(t.Context()); ok && s.clock().Before(next) {
		s.pass(24 * time.Hour)
		if got := s.read(inc.ID).Seq; got != 2 {
			t.Errorf("seq = %d a day later, want 2: an ended incident is silent", got)
		}
	}
}

func TestCorrectionKeepsTheStage(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	inc := s.open(trouble())
	r, err := s.Update(t.Context(), inc.ID, announce.UpdateInput{
		Kind: incident.Correction, Of: 1, Text: incident.Text{"ja": "閲覧はできます。", "en": "Viewing works."},
	}, who)
	if err != nil {
		t.Fatal(err)
	}
	if r.Update.Stage != incident.Investigating || r.Update.Next.IsZero() {
		t.Errorf("the correction has stage %s and promise %v, want investigating and one", r.Update.Stage, r.Update.Next)
	}
	ms, err := s.store.Messages(t.Context(), inc.ID, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range ms {
		if len(m.Plain) == 0 {
			t.Errorf("the correction has no plain text for %s in %s", m.Audience, m.Locale)
		}
	}
}

func TestBlockedTextsAreNotSent(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	in := trouble()
	in.Text = incident.Text{"en": "See arn:aws:rds:eu-west-1:111122223333:db:main for more.", "ja": "詳しくは 10.0.3.7 を見てください。"}
	_, err := s.Open(t.Context(), in, who)
	b, ok := errors.AsType[*announce.BlockedError](err)
	if !ok {
		t.Fatalf("Open() with internal names = %v, want a BlockedError", err)
	}
	if len(b.Findings) == 0 || len(s.told) != 0 {
		t.Errorf("findings %v, told %v, want some and none", b.Findings, s.told)
	}
}

func TestMergeMovesEverything(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	a := s.open(trouble())
	s.pass(5 * time.Minute)
	in := trouble()
	in.Components, in.Severity, in.Next = []incident.ComponentID{"search"}, incident.Critical, s.clock().Add(10*time.Minute)
	in.Facts.Effect = confirmed(incident.Text{"ja": "検索できません。", "en": "Search does not work."})
	b := s.open(in)
	r, err := s.Merge(t.Context(), b.ID, a.ID, who)
	if err != nil {
		t.Fatal(err)
	}
	if r.Incident.End != incident.EndMerged || r.Incident.MergedInto != a.ID || r.Update == nil || r.Update.MergedInto != a.ID {
		t.Errorf("Merge() = %+v with update %+v, want one last update that names %s", r.Incident, r.Update, a.ID)
	}
	got := s.read(a.ID)
	if len(got.Components) != 2 || got.Severity != incident.Critical || len(got.Absorbed) != 1 {
		t.Errorf("the other incident has %v, %s, %v, want both components, critical, and whom it absorbed", got.Components, got.Severity, got.Absorbed)
	}
	if p := got.Promises[len(got.Promises)-1]; !p.By.Equal(in.Next) {
		t.Errorf("its promise is by %s, want the sooner %s", p.By, in.Next)
	}
	s.pass(15 * time.Minute)
	if got := s.read(a.ID); got.Seq != 2 {
		t.Errorf("the sooner promise lapsed and seq is %d, want 2: a holding text", got.Seq)
	}
}

func TestOutboxIsSweptWhereTheBusFailed(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.deaf = true
	inc := s.open(trouble())
	if len(s.told) != 0 {
		t.Fatal("the deaf bus has heard")
	}
	s.deaf = false
	s.set(s.clock().Add(time.Minute))
	if err := s.Sweep(t.Context(), s.clock()); err != nil {
		t.Fatal(err)
	}
	if len(s.told) != 1 || s.told[0].Incident != inc.ID {
		t.Errorf("after the sweep the bus got %v, want the pointer", s.told)
	}
}

func TestAStuckPointerHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.deaf = true
	var ids []incident.ID
	for range 5 {
		ids = append(ids, s.open(trouble()).ID)
	}
	s.set(s.clock().Add(time.Minute))
	s.tries = 0
	if err := s.Sweep(t.Context(), s.clock()); err == nil || s.tries != 3 {
		t.Errorf("Sweep() with a deaf bus = %v after %d tries, want an error after 3", err, s.tries)
	}
	s.deaf, s.deafTo = false, ids[0]
	if err := s.Sweep(t.Context(), s.clock()); err == nil || len(s.told) != 4 {
		t.Errorf("Sweep() with one that is stuck = %v, and the bus got %d, want an error and 4", err, len(s.told))
	}
}

func TestReopeningTakesItsPromiseUpAgain(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	inc := s.open(trouble())
	if _, err := s.Update(t.Context(), inc.ID, announce.UpdateInput{Stage: incident.Resolved}, who); err != nil {
		t.Fatal(err)
	}
	_, err := s.Update(t.Context(), inc.ID, announce.UpdateInput{Stage: incident.Monitoring}, who)
	if e, ok := errors.AsType[*incident.StageError](err); !ok || len(e.Allowed) != 2 {
		t.Errorf("resolved to monitoring = %v, want a StageError with two ways on", err)
	}
	r, err := s.Update(t.Context(), inc.ID, announce.UpdateInput{Stage: incident.Investigating}, who)
	if err != nil {
		t.Fatal(err)
	}
	if r.Incident.End != "" || len(s.live()) != 1 {
		t.Errorf("after the reopening: end %q, %d live, want none and 1", r.Incident.End, len(s.live()))
	}
}
