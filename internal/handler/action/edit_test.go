package action_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/announce"
	"shirase/internal/incident"
)

func TestEdit(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d := r.drafted("pay-errors")
	path := r.path(d.ID, "clarke")
	p := r.get(path)
	r.says(p, "the automatic notice will not be published")
	p = r.follow(r.post(path, p, "edit",
		"effect_ja", "請求書の送信に時間がかかっています。", "effect_en", "Sending invoices takes long.\r\n",
		"severity", "minor", "next", "2026-09-15T15:45", "text_en", "Please wait."))
	r.says(p, "Nothing is published yet.", "Sending invoices takes long.", "請求書の送信に時間がかかっています。", "Please wait.", "next 15:45", "Minor",
		"If you do nothing, nothing is sent to anybody.", "Emma Clarke has been on this")
	if got := r.incident().Seq; got != 0 {
		t.Fatalf("seq = %d, want 0", got)
	}
	in := r.draft().Input
	want := announce.UpdateInput{
		Severity: incident.Minor, Text: incident.Text{"en": "Please wait."}, Next: time.Date(2026, 9, 15, 6, 45, 0, 0, time.UTC),
		Facts: incident.Facts{Effect: incident.Fact[incident.Text]{
			Value: incident.Text{"ja": "請求書の送信に時間がかかっています。", "en": "Sending invoices takes long."},
			State: incident.Confirmed, Source: "clarke", At: r.now,
		}},
	}
	if diff := cmp.Diff(want, in, cmp.AllowUnexported(incident.Outlook{})); diff != "" {
		t.Errorf("draft is made from (-want +got):\n%s", diff)
	}

	// A second change keeps what it does not touch.
	r.now = r.now.Add(time.Minute)
	p = r.follow(r.post(path, p, "edit", "text_en", ""))
	want.Text = nil
	if diff := cmp.Diff(want, r.draft().Input, cmp.AllowUnexported(incident.Outlook{})); diff != "" {
		t.Errorf("draft is made from (-want +got):\n%s", diff)
	}
	r.follow(r.post(path, p, "publish"))
	if inc := r.incident(); inc.Severity != incident.Minor || inc.Seq != 1 {
		t.Errorf("incident = %s, seq %d, want minor, 1", inc.Severity, inc.Seq)
	}
}

func TestEditNothingKeepsThePromiseOfThePlan(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d := r.drafted("api-errors")
	path := r.path(d.ID, "sato")
	seen := r.get(path)
	r.now = r.now.Add(3 * time.Minute)
	r.follow(r.post(path, seen, "edit", "text_ja", "調べています。"))
	if got := r.draft().Input.Next; !got.IsZero() {
		t.Errorf("next = %v, want none: nobody asked for a time", got)
	}
	if got := r.draft().Input.Severity; got != "" {
		t.Errorf("severity = %q, want none: a worse alarm may still raise it", got)
	}
	if got, want := r.draft().Next.Sub(r.now), 29*time.Minute; got < want {
		t.Errorf("the promise is in %v, want at least %v", got, want)
	}
}

func TestEditKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("長", 2001)
	for _, c := range []struct {
		name    string
		over    []string
		invalid []string
		says    string
	}{
		{"no time", []string{"next", "half past two"}, []string{"next"}, "Write date and time like"},
		{"no time at all", []string{"next", ""}, []string{"next"}, "Write date and time like"},
		{"a past time", []string{"next", "2026-09-15T14:00"}, []string{"next"}, "must be a time in the future"},
		{"no such severity", []string{"severity", "enormous"}, []string{"severity"}, "Choose one severity."},
		{"too long a text", []string{"text_ja", long}, []string{"text_ja"}, "keep to 2000 characters"},
		{"too long an effect", []string{"effect_en", strings.Repeat("x", 401)}, []string{"effect_en"}, "keep to 400 characters"},
		{"all at once", []string{"next", "soon", "text_ja", long, "severity", ""}, []string{"severity", "next", "text_ja"}, "Write date and time like"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			d := r.drafted("api-errors")
			path := r.path(d.ID, "clarke")
			over := append([]string{"effect_ja", "書いた影響", "text_en", "typed in the dark"}, c.over...)
			p := r.page(r.post(path, r.get(path), "edit", over...), http.StatusUnprocessableEntity)
			r.says(p, "Not saved yet.", c.says, "What you typed is not in the text above yet.")
			for n := 0; n < len(over); n += 2 {
				if over[n] != "severity" && p.Values[over[n]] != over[n+1] {
					t.Errorf("%s = %.20q, want what was typed", over[n], p.Values[over[n]])
				}
			}
			slices.Sort(p.Invalid)
			slices.Sort(c.invalid)
			if diff := cmp.Diff(c.invalid, p.Invalid); diff != "" {
				t.Errorf("marked fields differ:\n%s", diff)
			}
			if slices.Contains(p.Buttons, "publish") {
				t.Error("the page offers to publish texts without what was typed")
			}
			if got := r.draft().Revision; got != d.Revision {
				t.Errorf("revision = %d, want %d", got, d.Revision)
			}
		})
	}
}

func TestEditCannotTakeAKnownEffectAway(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d := r.drafted("api-errors")
	path := r.path(d.ID, "clarke")
	p := r.follow(r.post(path, r.get(path), "edit", "effect_en", "Slow."))
	p = r.page(r.post(path, p, "edit", "effect_en", " "), http.StatusUnprocessableEntity)
	r.says(p, "The effect cannot be left empty.")
}

func TestEditTwiceIsOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d := r.drafted("api-errors")
	path := r.path(d.ID, "clarke")
	p := r.get(path)
	r.follow(r.post(path, p, "edit", "text_en", "Once."))
	revision := r.draft().Revision
	r.follow(r.post(path, p, "edit", "text_en", "Once."))
	if got := r.draft().Revision; got != revision {
		t.Errorf("revision = %d, want %d", got, revision)
	}
}

func TestEditOfWhatHasMovedOn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d := r.drafted("api-errors")
	mine, theirs := r.path(d.ID, "clarke"), r.path(d.ID, "sato")
	seen := r.get(mine)
	r.now = r.now.Add(3 * time.Minute)
	r.follow(r.post(theirs, r.get(theirs), "edit", "text_ja", "佐藤の文"))
	p := r.page(r.post(mine, seen, "edit", "text_en", "Mine."), http.StatusConflict)
	r.says(p, "Not saved yet, because things have changed", "佐藤の文")
	if got := p.Values["text_en"]; got != "Mine." {
		t.Errorf("text_en = %q, want what was typed", got)
	}
	if got, was := p.Values["next"], seen.Values["next"]; got != r.get(mine).Values["next"] || got == was {
		t.Errorf("next = %q, want what the draft says now: nobody has typed a time", got)
	}
	if got := r.draft().Input.Text["en"]; got != "" {
		t.Errorf("saved text = %q, want none", got)
	}
	r.follow(r.post(mine, p, "edit"))
	if got := r.draft().Input.Text["en"]; got != "Mine." {
		t.Errorf("saved text = %q, want Mine.", got)
	}
}

func TestEditOfAClosedDraft(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d := r.drafted("api-errors")
	path := r.path(d.ID, "clarke")
	seen := r.get(path)
	r.follow(r.post(path, seen, "publish"))
	p := r.page(r.post(path, seen, "edit", "text_en", "Three careful lines."), http.StatusConflict)
	r.says(p, "no longer open", "What you typed (English)", "Three careful lines.", "Published by Emma Clarke.")
}

// broken fails where it is told to.
type broken struct {
	*announce.Service
	err error
}

func (b broken) EditDraft(context.Context, announce.DraftID, announce.UpdateInput, announce.Actor) (announce.Result, error) {
	return announce.Result{}, b.err
}

func (b broken) PublishDraft(context.Context, announce.DraftID, string, announce.Actor) (announce.Result, error) {
	return announce.Result{}, b.err
}

func TestEditWhenTheStoreIsDown(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	path := r.path(r.drafted("api-errors").ID, "clarke")
	seen := r.get(path)
	r.handler.Drafts = broken{r.service, errors.New("inner word of the store")}
	p := r.page(r.post(path, seen, "edit", "text_en", "Mine."), http.StatusInternalServerError)
	r.says(p, "something went wrong on our side")
	r.silent(p, "inner word")
	if got := p.Values["text_en"]; got != "Mine." {
		t.Errorf("text_en = %q, want what was typed", got)
	}
	p = r.page(r.post(path, seen, "publish"), http.StatusInternalServerError)
	r.says(p, "Something went wrong on our side")
	r.silent(p, "inner word")
}

func TestEditFaultsOfTheUseCase(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	path := r.path(r.drafted("api-errors").ID, "clarke")
	seen := r.get(path)
	r.handler.Drafts = broken{r.service, errors.Join(
		incident.Invalid("next", "must be a time after now"), incident.Invalid("severity", "must be one of some"),
		incident.Invalid("components.0", "is not a component of the plan"))}
	p := r.page(r.post(path, seen, "edit", "text_en", "Mine."), http.StatusUnprocessableEntity)
	r.says(p, "must be a time in the future", "Choose one severity.", "/components/0: is not a component of the plan")
	slices.Sort(p.Invalid)
	if diff := cmp.Diff([]string{"next", "severity"}, p.Invalid); diff != "" {
		t.Errorf("marked fields differ:\n%s", diff)
	}
}

func TestDraftThatNoLongerFits(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	path := r.path(r.drafted("api-errors").ID, "sato")
	r.handler.Drafts = unfit{r.service}
	r.says(r.page(r.do(http.MethodGet, path, nil), http.StatusConflict), "いまの状況に合いません")
	r.says(r.page(r.do(http.MethodPost, path, url.Values{"do": {"edit"}}), http.StatusConflict), "いまの状況に合いません")
}

type unfit struct{ *announce.Service }

func (unfit) Draft(context.Context, announce.DraftID) (announce.DraftView, error) {
	return announce.DraftView{}, &incident.StageError{From: incident.Resolved, To: incident.Monitoring}
}
