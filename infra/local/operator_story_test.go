package main

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"shirase/internal/config"
	"shirase/internal/deliver"
	"shirase/internal/embedded"
)

// refusing is a provider that takes nothing for one room, and says so for good.
type refusing struct {
	deliver.Sender
	room string
}

// Send implements deliver.Sender.
func (r refusing) Send(ctx context.Context, es []deliver.Envelope, deadline time.Time) []deliver.Outcome {
	outs := make([]deliver.Outcome, len(es))
	for n, e := range es {
		if e.Target.Address.Reveal() == r.room {
			outs[n].Failure = &deliver.Failure{Reason: deliver.Rejected}
			continue
		}
		outs[n] = r.Sender.Send(ctx, es[n:n+1], deadline)[0]
	}
	return outs
}

// TestOperatorHearsOfARoomThatTakesNothing refuses everything for one room of
// the plan: somebody on call is told, once, and the other rooms are told all.
func TestOperatorHearsOfARoomThatTakesNothing(t *testing.T) {
	t.Parallel()
	r := launch(t, config.Config{}, noon, func(p *program) {
		p.providers["slack"] = refusing{p.providers["slack"], "#support"}
	})
	o := r.open(three)
	r.must("POST", "/v1/incidents/"+o.ID+"/updates", `{"stage":"identified"}`, nil)
	r.advance("1m")
	told := 0
	for _, e := range r.inbox() {
		if e.Kind == deliver.KindOperator && e.Channel == "email" && strings.Contains(e.Text, "Slack") {
			told++
		}
	}
	if told != 1 {
		t.Errorf("the operator was told %d times, want once", told)
	}
	if !slices.ContainsFunc(r.updates(), func(e embedded.Entry) bool { return e.To == "#incident" && e.Seq == 2 }) {
		t.Error("another room was not told")
	}
}
