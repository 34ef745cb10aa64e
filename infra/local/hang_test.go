package main

import (
	"context"
	"net/http"
	"testing"
	"time"

	"shirase/internal/config"
	"shirase/internal/deliver"
)

// hanging is a provider that answers nobody until it is let go.
type hanging struct {
	deliver.Sender
	began   chan struct{}
	release chan struct{}
}

// Send implements deliver.Sender.
func (h hanging) Send(ctx context.Context, es []deliver.Envelope, deadline time.Time) []deliver.Outcome {
	h.began <- struct{}{}
	<-h.release
	return h.Sender.Send(ctx, es, deadline)
}

// noting tells of each recipient that its provider took.
type noting struct {
	deliver.Sender
	took chan string
}

// Send implements deliver.Sender.
func (n noting) Send(ctx context.Context, es []deliver.Envelope, deadline time.Time) []deliver.Outcome {
	outs := n.Sender.Send(ctx, es, deadline)
	for _, e := range es {
		n.took <- string(e.Channel) + " " + string(e.Audience)
	}
	return outs
}

// TestHangingWebhooksHoldUpNobodyElse hangs every webhook and waits, without
// letting one go, until all other channels have told their customers.
func TestHangingWebhooksHoldUpNobodyElse(t *testing.T) {
	t.Parallel()
	h := hanging{began: make(chan struct{}, 100), release: make(chan struct{})}
	took := make(chan string, 1000)
	r := launch(t, config.Config{}, noon, func(p *program) {
		for c, s := range p.providers {
			if c == "webhook" {
				h.Sender = s
				p.providers[c] = h
			} else {
				p.providers[c] = noting{s, took}
			}
		}
	})
	r.open(three)
	<-h.began // a webhook hangs
	want := map[string]int{"email customers": 4, "sms customers": 2, "mastodon customers": 2, "slack customers": 2}
	for len(want) > 0 {
		who := <-took
		if n, ok := want[who]; ok && n > 1 {
			want[who]--
		} else {
			delete(want, who)
		}
	}
	close(h.release)
	r.settle()
	got := 0
	for _, e := range r.updates() {
		if e.Channel == "webhook" {
			got++
		}
	}
	if got != 4 {
		t.Errorf("%d webhooks were told once they answered, want 4", got)
	}
}

// TestKillSwitch holds a channel back and lets it catch up with the newest word.
func TestKillSwitch(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon)
	r.must(http.MethodPut, "/v1/channels/email", `{"off":true}`, nil)
	o := r.open(three)
	r.settle()
	r.must(http.MethodPost, "/v1/incidents/"+o.ID+"/updates", `{"stage":"identified"}`, nil)
	r.settle()
	count := func(seq int) (n int) {
		for _, e := range r.updates() {
			if e.Channel == "email" && e.Seq == seq {
				n++
			}
		}
		return n
	}
	if n := count(1) + count(2); n != 0 {
		t.Fatalf("%d mails went out through a closed switch", n)
	}
	r.must(http.MethodPut, "/v1/channels/email", `{"off":false}`, nil)
	r.advance("16m")
	if old, fresh := count(1), count(2); old != 0 || fresh == 0 {
		t.Errorf("after the switch was opened: %d old mails, %d fresh ones, want none and some", old, fresh)
	}
}
