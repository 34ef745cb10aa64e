package mastodon_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"shirase/internal/channel"
	"shirase/internal/channel/golden"
	"shirase/internal/channel/mastodon"
	"shirase/internal/channel/twin"
	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
)

var accepted = time.Date(2026, 9, 15, 5, 7, 0, 0, time.UTC)

const token = "token-of-the-account"

var _ deliver.Sender = (*mastodon.Sender)(nil)

type secrets map[string]string

func (s secrets) Secret(_ context.Context, name string) (string, error) {
	if v, ok := s[name]; ok {
		return v, nil
	}
	return "", incident.ErrNotFound
}

// bench is a sender, a server and a clock that both share.
type bench struct {
	*twin.Mastodon
	sender *mastodon.Sender

	mu sync.Mutex
	at time.Time
}

func (b *bench) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.at
}

func (b *bench) set(at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at = at
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{at: accepted.Add(10 * time.Second)}
	b.Mastodon = twin.NewMastodon(token, b.now)
	t.Cleanup(b.Close)
	b.sender = mastodon.New(channel.NewClient(), secrets{"masto": token, "wrong": "x"}, b.now)
	return b
}

func (b *bench) envelope() deliver.Envelope {
	return deliver.Envelope{
		Key: "2f1a7d", Kind: deliver.KindUpdate, Incident: "01J8", Seq: 1, Locale: "ja", Channel: "mastodon",
		Target: plan.Target{ID: "m", Channel: "mastodon", Server: b.URL(), Secret: "masto"},
		Content: message.Content{
			Text: "【障害発生】ミナト請求で請求書を送信できません <R&D>。\n14:30までに続けてお知らせします。 https://minato.test/i/01J8",
		},
		At: accepted,
	}
}

func (b *bench) send(ctx context.Context, e deliver.Envelope) deliver.Outcome {
	return b.sender.Send(ctx, []deliver.Envelope{e}, b.now().Add(time.Minute))[0]
}

func TestPost(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	o := b.send(t.Context(), b.envelope())
	posts := b.Statuses()
	if o.Failure != nil || len(posts) != 1 || o.ID != posts[0].ID {
		t.Fatalf("Send = %v, posts %v, want one post by its id", o, posts)
	}
	if posts[0].Text != b.envelope().Content.Text || posts[0].Visibility != "public" || posts[0].Language != "ja" {
		t.Errorf("post = %+v, want the text, public, in ja", posts[0])
	}
	golden.Compare(t, "wire/post.golden", b.Requests()[0].String())

	next := b.envelope()
	next.Key, next.Seq, next.Locale, next.Root, next.Last = "77aa", 2, "en-GB", o.ID, o.ID
	next.Content.Text = "[Resolved] Minato Billing https://minato.test/i/01J8"
	o = b.send(t.Context(), next)
	posts = b.Statuses()
	if o.Failure != nil || len(posts) != 2 || posts[1].InReplyTo != posts[0].ID {
		t.Fatalf("Send = %v, posts %v, want a reply to the first", o, posts)
	}
	golden.Compare(t, "wire/reply.golden", b.Requests()[1].String())
}

func TestRepeatIsShownOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	b.Next(twin.Reply{Effect: true, Hang: true, Seen: cancel})
	o := b.send(ctx, b.envelope())
	if o.Failure == nil || o.Failure.Reason != deliver.TimedOut {
		t.Fatalf("Send without an answer = %v, want timed_out", o)
	}
	o = b.send(t.Context(), b.envelope())
	if posts := b.Statuses(); o.Failure != nil || len(posts) != 1 || o.ID != posts[0].ID {
		t.Errorf("second Send = %v, posts %v, want the first post", o, posts)
	}
}

func TestRepeatAfterKeyIsForgotten(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		// look is what the server answers when the sender looks for the post.
		look  []twin.Reply
		posts int
		want  deliver.Reason
	}{
		{name: "found", posts: 1},
		{name: "may not look", look: []twin.Reply{{Status: 403, Body: `{"error":"This action is outside the authorized scopes"}`}}, posts: 2},
		{name: "no account", look: []twin.Reply{{Status: 200, Body: `<html>`}}, posts: 2},
		{name: "garbage", look: []twin.Reply{{Status: 200, Body: `{"id":"1"}`}, {Status: 200, Body: `[{"id":1}]`}}, posts: 2},
		{name: "down", look: []twin.Reply{{Status: 502}}, posts: 1, want: deliver.Unavailable},
		{name: "hangs up", look: []twin.Reply{{}}, posts: 1, want: deliver.Unavailable},
		{name: "gateway", look: []twin.Reply{{Status: 200, Body: `{"id":"1"}`}, {Status: 504}}, posts: 1, want: deliver.Unavailable},
		{name: "limited", look: []twin.Reply{{Status: 429}}, posts: 1, want: deliver.Throttled},
		{name: "token is dead", look: []twin.Reply{{Status: 401}}, posts: 1, want: deliver.Unauthorised},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.Next(twin.Reply{Effect: true})
			if o := b.send(t.Context(), b.envelope()); o.Failure == nil || o.Failure.Reason != deliver.TimedOut {
				t.Fatalf("Send without an answer = %v, want timed_out", o)
			}
			b.set(b.now().Add(2 * time.Hour))
			b.Next(tt.look...)
			o := b.send(t.Context(), b.envelope())
			var got deliver.Reason
			if o.Failure != nil {
				got = o.Failure.Reason
			}
			if got != tt.want || len(b.Statuses()) != tt.posts {
				t.Errorf("Send = %v with %d posts, want %q with %d", o, len(b.Statuses()), tt.want, tt.posts)
			}
		})
	}
}

func TestLateFirstTryIsPosted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	// The same words from an earlier incident are not taken for these.
	if o := b.send(t.Context(), b.envelope()); o.Failure != nil {
		t.Fatal(o.Failure)
	}
	e := b.envelope()
	e.Key, e.At = "other", accepted.Add(24*time.Hour)
	b.set(e.At.Add(3 * time.Hour))
	if o := b.send(t.Context(), e); o.Failure != nil || len(b.Statuses()) != 2 {
		t.Errorf("Send = %v with %d posts, want a second post", o, len(b.Statuses()))
	}
}

func TestReplyToDeletedPost(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first := b.send(t.Context(), b.envelope())
	b.Delete(first.ID)
	e := b.envelope()
	e.Key, e.Last = "next", first.ID
	o := b.send(t.Context(), e)
	if posts := b.Statuses(); o.Failure != nil || len(posts) != 1 || posts[0].InReplyTo != "" {
		t.Errorf("Send = %v, posts %v, want a post that answers none", o, posts)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		reply twin.Reply
		want  deliver.Reason
		wait  time.Duration
		own   bool
	}{
		{name: "401", reply: twin.Reply{Status: 401, Body: `{"error":"The access token is invalid"}`}, want: deliver.Unauthorised},
		{name: "403", reply: twin.Reply{Status: 403, Body: `{"error":"This action is not allowed"}`}, want: deliver.Unauthorised},
		{name: "404", reply: twin.Reply{Status: 404}, want: deliver.Rejected},
		{name: "422", reply: twin.Reply{Status: 422, Body: `{"error":"Validation failed: Text character limit of 500 exceeded"}`}, want: deliver.Rejected},
		{name: "429", reply: twin.Reply{Status: 429}, want: deliver.Throttled, own: true},
		{name: "429 with reset", reply: twin.Reply{Status: 429, Header: http.Header{"X-Ratelimit-Reset": {"2026-09-15T05:10:00.000000Z"}}}, want: deliver.Throttled, wait: 170 * time.Second, own: true},
		{name: "429 with Retry-After", reply: twin.Reply{Status: 429, Header: http.Header{"Retry-After": {"8"}}}, want: deliver.Throttled, wait: 8 * time.Second, own: true},
		{name: "500", reply: twin.Reply{Status: 500}, want: deliver.Unavailable},
		{name: "503 with Retry-After", reply: twin.Reply{Status: 503, Header: http.Header{"Retry-After": {"60"}}}, want: deliver.Unavailable, wait: time.Minute},
		{name: "504", reply: twin.Reply{Status: 504}, want: deliver.TimedOut},
		{name: "redirect", reply: twin.Reply{Status: 302, Header: http.Header{"Location": {"https://elsewhere.example/"}}}, want: deliver.Rejected},
		{name: "hangs up", reply: twin.Reply{}, want: deliver.TimedOut},
		{name: "garbage", reply: twin.Reply{Status: 200, Body: "<html>maintenance</html>"}, want: deliver.TimedOut},
		{name: "cut", reply: twin.Reply{Status: 200, Body: `{"id":"1`, Cut: true}, want: deliver.TimedOut},
		{name: "id to trick with", reply: twin.Reply{Status: 200, Body: `{"id":"../../1"}`}, want: deliver.TimedOut},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.Next(tt.reply)
			f := b.send(t.Context(), b.envelope()).Failure
			if f == nil || f.Reason != tt.want || f.RetryAfter != tt.wait || f.Recipient != tt.own {
				t.Errorf("Send = %+v, want %s after %v, recipient %v", f, tt.want, tt.wait, tt.own)
			}
			if f != nil && (strings.Contains(f.Error(), token) || strings.Contains(f.Error(), "127.0.0.1")) {
				t.Errorf("Send = %q, an error with a secret or an address", f)
			}
			if n := len(b.Requests()); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
		})
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		target plan.Target
		want   deliver.Reason
	}{
		{"no server", plan.Target{Secret: "masto"}, deliver.Rejected},
		{"account without a server", plan.Target{Secret: "masto", Address: "@status"}, deliver.Rejected},
		{"account of a server with a path", plan.Target{Secret: "masto", Address: "@status@social.example/x"}, deliver.Rejected},
		{"server with a path", plan.Target{Secret: "masto", Server: "https://social.example/x"}, deliver.Rejected},
		{"server of another scheme", plan.Target{Secret: "masto", Server: "ftp://social.example"}, deliver.Rejected},
		{"no credential", plan.Target{Secret: "nothing", Server: "https://social.example"}, deliver.Unauthorised},
		{"wrong credential", plan.Target{Secret: "wrong"}, deliver.Unauthorised},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			e := b.envelope()
			e.Target = tt.target
			if tt.name == "wrong credential" {
				e.Target.Server = b.URL()
			}
			if f := b.send(t.Context(), e).Failure; f == nil || f.Reason != tt.want {
				t.Errorf("Send = %v, want %s", f, tt.want)
			}
		})
	}
}
