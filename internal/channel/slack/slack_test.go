package slack_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/channel"
	"shirase/internal/channel/golden"
	"shirase/internal/channel/slack"
	"shirase/internal/channel/twin"
	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/message"
	"shirase/internal/plan"
)

var noon = time.Date(2026, 9, 15, 5, 7, 0, 0, time.UTC)

const token = "xoxb-token-of-the-bot"

var _ deliver.Sender = (*slack.Sender)(nil)

type secrets map[string]string

func (s secrets) Secret(_ context.Context, name string) (string, error) {
	if v, ok := s[name]; ok {
		return v, nil
	}
	return "", incident.ErrNotFound
}

type bench struct {
	*twin.Slack
	sender *slack.Sender
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{Slack: twin.NewSlack(token, "#incidents", "C0123")}
	t.Cleanup(b.Close)
	b.sender = slack.New(channel.NewClient(), secrets{
		"bot": token, "hook": b.Hook(), "odd": "s3cret", "dead": "xoxb-dead",
	}, b.API(), func() time.Time { return noon })
	return b
}

func envelope(secret string) deliver.Envelope {
	return deliver.Envelope{
		Key: "2f1a7d", Kind: deliver.KindUpdate, Incident: "01J8", Seq: 1, Locale: "ja", Channel: "slack",
		To: "#incidents", Target: plan.Target{ID: "s", Channel: "slack", Address: "#incidents", Secret: secret},
		Content: message.Content{Text: "*【障害発生】請求書の送信*\n原因を調べています &lt;R&amp;D&gt;\nhttps://minato.test/i/01J8"},
		At:      noon,
	}
}

func (b *bench) send(ctx context.Context, e deliver.Envelope) deliver.Outcome {
	return b.sender.Send(ctx, []deliver.Envelope{e}, noon.Add(time.Minute))[0]
}

func TestHook(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	e := envelope("hook")
	if o := b.send(t.Context(), e); o.Failure != nil || o.ID != "" {
		t.Fatalf("Send = %v, want accepted without an id", o)
	}
	if posts := b.Posts(); len(posts) != 1 || posts[0].Text != e.Content.Text {
		t.Errorf("posts = %v, want the text", posts)
	}
	golden.Compare(t, "wire/hook.golden", b.Requests()[0].String())
}

// TestOnePostPerIncident: each stage rewrites the post and adds a reply.
func TestOnePostPerIncident(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first := b.send(t.Context(), envelope("bot"))
	if first.Failure != nil || !strings.HasPrefix(first.ID, "C0123:") {
		t.Fatalf("Send = %v, want an id in C0123", first)
	}
	golden.Compare(t, "wire/post.golden", b.Requests()[0].String())
	_, ts, _ := strings.Cut(first.ID, ":")
	root, last := first.ID, first.ID
	for i, text := range []string{"second", "third"} {
		e := envelope("bot")
		e.Seq, e.Root, e.Last, e.Content.Text = i+2, root, last, text
		o := b.send(t.Context(), e)
		if o.Failure != nil || o.ID == last {
			t.Fatalf("Send = %v, want a reply of its own", o)
		}
		last = o.ID
	}
	got := b.Posts()
	for i := range got {
		got[i].TS = map[bool]string{true: "root", false: "reply"}[got[i].TS == ts]
	}
	want := []twin.Post{
		{Channel: "C0123", TS: "root", Text: "third", Edits: 2},
		{Channel: "C0123", TS: "reply", Thread: ts, Text: "second"},
		{Channel: "C0123", TS: "reply", Thread: ts, Text: "third"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("room (-want +got):\n%s", diff)
	}
	golden.Compare(t, "wire/update.golden", b.Requests()[1].String())
	golden.Compare(t, "wire/reply.golden", b.Requests()[2].String())
}

func TestPostIsGoneOrFixed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		code   string
		thread bool
	}{
		{"deleted", "message_not_found", false},
		{"not ours", "cant_update_message", true},
		{"too old", "edit_window_closed", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			first := b.send(t.Context(), envelope("bot"))
			b.Next(twin.Reply{Status: 200, Body: `{"ok":false,"error":"` + tt.code + `"}`})
			e := envelope("bot")
			e.Root, e.Last = first.ID, first.ID
			o := b.send(t.Context(), e)
			posts := b.Posts()
			if o.Failure != nil || len(posts) != 2 || (posts[1].Thread != "") != tt.thread || posts[1].Broadcast != tt.thread {
				t.Errorf("Send = %v, posts %+v, want a second post, shown in the room, in the thread %v", o, posts, tt.thread)
			}
		})
	}
}

func TestIDWithoutRoom(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first := b.send(t.Context(), envelope("bot"))
	e := envelope("bot")
	_, e.Root, _ = strings.Cut(first.ID, ":")
	e.To = "C0123"
	if o := b.send(t.Context(), e); o.Failure != nil || b.Posts()[0].Edits != 1 {
		t.Errorf("Send = %v, want the first post changed", o)
	}
}

func TestTimeoutMayHavePosted(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"bot", "hook"} {
		b := newBench(t)
		ctx, cancel := context.WithCancel(t.Context())
		b.Next(twin.Reply{Effect: true, Hang: true, Seen: cancel})
		if o := b.send(ctx, envelope(secret)); o.Failure == nil || o.Failure.Reason != deliver.TimedOut {
			t.Errorf("Send by %s without an answer = %v, want timed_out", secret, o)
		}
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	after := http.Header{"Retry-After": {"12"}}
	for _, tt := range []struct {
		name, secret string
		reply        twin.Reply
		want         deliver.Reason
		wait         time.Duration
	}{
		{name: "invalid_payload", secret: "hook", reply: twin.Reply{Status: 400, Body: "invalid_payload"}, want: deliver.Rejected},
		{name: "user_not_found", secret: "hook", reply: twin.Reply{Status: 400, Body: "user_not_found"}, want: deliver.Rejected},
		{name: "action_prohibited", secret: "hook", reply: twin.Reply{Status: 403, Body: "action_prohibited"}, want: deliver.Rejected},
		{name: "invalid_token", secret: "hook", reply: twin.Reply{Status: 403, Body: "invalid_token"}, want: deliver.Unauthorised},
		{name: "channel_not_found", secret: "hook", reply: twin.Reply{Status: 404, Body: "channel_not_found"}, want: deliver.Rejected},
		{name: "no_service", secret: "hook", reply: twin.Reply{Status: 404, Body: "no_service"}, want: deliver.Unauthorised},
		{name: "channel_is_archived", secret: "hook", reply: twin.Reply{Status: 410, Body: "channel_is_archived"}, want: deliver.Gone},
		{name: "rollup_error", secret: "hook", reply: twin.Reply{Status: 500, Body: "rollup_error"}, want: deliver.Unavailable},
		{name: "hook 429", secret: "hook", reply: twin.Reply{Status: 429, Body: "rate_limited"}, want: deliver.Throttled},
		{name: "hook 429 with Retry-After", secret: "hook", reply: twin.Reply{Status: 429, Header: after}, want: deliver.Throttled, wait: 12 * time.Second},
		{name: "hook 503", secret: "hook", reply: twin.Reply{Status: 503, Header: after}, want: deliver.Unavailable, wait: 12 * time.Second},
		{name: "hook page", secret: "hook", reply: twin.Reply{Status: 200, Body: "<html>sign in</html>"}, want: deliver.TimedOut},
		{name: "hook moved", secret: "hook", reply: twin.Reply{Status: 302}, want: deliver.Rejected},
		{name: "hook hangs up", secret: "hook", reply: twin.Reply{}, want: deliver.TimedOut},
		{name: "hook code that is none", secret: "hook", reply: twin.Reply{Status: 400, Body: "Your token-of-the-bot is bad"}, want: deliver.Rejected},

		{name: "ratelimited", secret: "bot", reply: twin.Reply{Status: 200, Header: after, Body: `{"ok":false,"error":"ratelimited"}`}, want: deliver.Throttled, wait: 12 * time.Second},
		{name: "429", secret: "bot", reply: twin.Reply{Status: 429}, want: deliver.Throttled},
		{name: "429 with Retry-After", secret: "bot", reply: twin.Reply{Status: 429, Header: after, Body: `{"ok":false,"error":"ratelimited"}`}, want: deliver.Throttled, wait: 12 * time.Second},
		{name: "invalid_auth", secret: "bot", reply: twin.Reply{Status: 200, Body: `{"ok":false,"error":"invalid_auth"}`}, want: deliver.Unauthorised},
		{name: "missing_scope", secret: "bot", reply: twin.Reply{Status: 200, Body: `{"ok":false,"error":"missing_scope","needed":"chat:write"}`}, want: deliver.Unauthorised},
		{name: "not_in_channel", secret: "bot", reply: twin.Reply{Status: 200, Body: `{"ok":false,"error":"not_in_channel"}`}, want: deliver.Rejected},
		{name: "api channel_not_found", secret: "bot", reply: twin.Reply{Status: 200, Body: `{"ok":false,"error":"channel_not_found"}`}, want: deliver.Rejected},
		{name: "is_archived", secret: "bot", reply: twin.Reply{Status: 200, Body: `{"ok":false,"error":"is_archived"}`}, want: deliver.Gone},
		{name: "msg_too_long", secret: "bot", reply: twin.Reply{Status: 200, Body: `{"ok":false,"error":"msg_too_long"}`}, want: deliver.Rejected},
		{name: "new code", secret: "bot", reply: twin.Reply{Status: 200, Body: `{"ok":false,"error":"something_new"}`}, want: deliver.Rejected},
		{name: "internal_error", secret: "bot", reply: twin.Reply{Status: 200, Body: `{"ok":false,"error":"internal_error"}`}, want: deliver.TimedOut},
		{name: "no code", secret: "bot", reply: twin.Reply{Status: 200, Body: `{"ok":false}`}, want: deliver.Rejected},
		{name: "500", secret: "bot", reply: twin.Reply{Status: 500}, want: deliver.Unavailable},
		{name: "503 page", secret: "bot", reply: twin.Reply{Status: 503, Body: "<html>"}, want: deliver.Unavailable},
		{name: "504", secret: "bot", reply: twin.Reply{Status: 504}, want: deliver.TimedOut},
		{name: "garbage", secret: "bot", reply: twin.Reply{Status: 200, Body: "ok"}, want: deliver.TimedOut},
		{name: "cut", secret: "bot", reply: twin.Reply{Status: 200, Body: `{"ok":true,"ts":"1`, Cut: true}, want: deliver.TimedOut},
		{name: "ok without a post", secret: "bot", reply: twin.Reply{Status: 200, Body: `{"ok":true}`}, want: deliver.TimedOut},
		{name: "ok for null", secret: "bot", reply: twin.Reply{Status: 200, Body: `null`}, want: deliver.Rejected},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.Next(tt.reply)
			f := b.send(t.Context(), envelope(tt.secret)).Failure
			if f == nil || f.Reason != tt.want || f.RetryAfter != tt.wait || f.Recipient != (tt.want == deliver.Throttled) {
				t.Fatalf("Send = %+v, want %s after %v", f, tt.want, tt.wait)
			}
			for _, leak := range []string{"token-of-the-bot", "127.0.0.1", "/services/", "secret"} {
				if strings.Contains(f.Error(), leak) {
					t.Errorf("Send = %q, an error that holds %q", f, leak)
				}
			}
			if n := len(b.Requests()); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
		})
	}
}

func TestRefusedBeforeCalling(t *testing.T) {
	t.Parallel()
	long := envelope("bot")
	long.Content.Text = strings.Repeat("あ", 12_001)
	for _, tt := range []struct {
		name string
		e    deliver.Envelope
		want deliver.Reason
	}{
		{"too long", long, deliver.Rejected},
		{"no credential", envelope("nothing"), deliver.Unauthorised},
		{"odd credential", envelope("odd"), deliver.Unauthorised},
	} {
		b := newBench(t)
		if o := b.send(t.Context(), tt.e); o.Failure == nil || o.Failure.Reason != tt.want || len(b.Requests()) != 0 {
			t.Errorf("%s: Send = %v, want %s without a call", tt.name, o, tt.want)
		}
	}
	b := newBench(t)
	if o := b.send(t.Context(), envelope("dead")); o.Failure == nil || o.Failure.Reason != deliver.Unauthorised {
		t.Errorf("Send with a dead token = %v, want unauthorised", o)
	}
}
