package queue_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/aws/queue"
	"shirase/internal/deliver"
	"shirase/internal/incident"
)

func TestChunksGoOnTheQueueOfTheirFamily(t *testing.T) {
	t.Parallel()
	kinds := memos{kept: map[string]deliver.Memo{}}
	for _, k := range []string{deliver.KindReminder, deliver.KindConfirmation, deliver.KindEscalation, deliver.KindOperator} {
		kinds.kept[k] = deliver.Memo{Slot: k, Kind: k}
	}
	tests := []struct {
		name string
		in   deliver.Chunk
		want string
	}{
		{"an update by mail", deliver.Chunk{Incident: "i-1", Channel: incident.Email, FromSeq: 1}, sendAt.Email},
		{"an update by SMS", deliver.Chunk{Incident: "i-1", Channel: incident.SMS, FromSeq: 1}, sendAt.SMS},
		{"an update to a webhook", deliver.Chunk{Incident: "i-1", Channel: incident.Webhook, FromSeq: 1}, sendAt.Webhook},
		{"a post", deliver.Chunk{Incident: "i-1", Channel: "mastodon", FromSeq: 1}, sendAt.Post},
		{"a chat", deliver.Chunk{Incident: "i-1", Channel: "slack", FromSeq: 1}, sendAt.Post},
		{"a drill by mail", deliver.Chunk{Incident: "drill-1", Channel: incident.Email, FromSeq: 1}, sendAt.EmailTwin},
		{"a drill by SMS", deliver.Chunk{Incident: "drill-1", Channel: incident.SMS, FromSeq: 1}, sendAt.SMSTwin},
		{"a drill to a webhook", deliver.Chunk{Incident: "drill-1", Channel: incident.Webhook, FromSeq: 1}, sendAt.WebhookTwin},
		{"a drill's post", deliver.Chunk{Incident: "drill-1", Channel: "mastodon", FromSeq: 1}, sendAt.Post},
		{"a confirmation", deliver.Chunk{Incident: "none", Channel: incident.SMS, Slot: deliver.KindConfirmation}, sendAt.SMSTwin},
		{"a reminder", deliver.Chunk{Incident: "i-1", Channel: incident.Email, Slot: deliver.KindReminder}, sendAt.EmailTwin},
		{"a reminder in a room", deliver.Chunk{Incident: "i-1", Channel: "slack", Slot: deliver.KindReminder}, sendAt.Post},
		{"an escalation", deliver.Chunk{Incident: "i-1", Channel: incident.SMS, Slot: deliver.KindEscalation}, sendAt.SMS},
		{"a draft", deliver.Chunk{Incident: "i-1", Channel: incident.Email, Slot: deliver.KindOperator}, sendAt.Email},
		{"a memo that is gone", deliver.Chunk{Incident: "i-1", Channel: incident.Email, Slot: "gone"}, sendAt.Email},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var s stub
			q := queue.NewChunks(s.client(t, func(c call, _ int) answer { return taken(c) }), sendAt, families, kinds)
			if err := q.Send(t.Context(), []deliver.Chunk{tt.in}); err != nil {
				t.Fatal(err)
			}
			if got := s.seen(); len(got) != 1 || got[0].QueueUrl != tt.want {
				t.Errorf("Send(%+v) went to %+v, want %s", tt.in, got, tt.want)
			}
		})
	}
}

func TestSendWithoutAQueue(t *testing.T) {
	t.Parallel()
	broken := errors.New("table is gone")
	drill := deliver.Chunk{Incident: "drill-1", Channel: incident.Email, FromSeq: 1}
	memo := deliver.Chunk{Incident: "i-1", Channel: incident.Email, Slot: "s"}
	tests := []struct {
		name   string
		at     queue.Addresses
		in     []deliver.Chunk
		memos  memos
		want   error
		queues []string
	}{
		{"an unknown channel", sendAt, []deliver.Chunk{chunk("a"), {Incident: "i-1", Channel: "pigeon", FromSeq: 1}}, memos{}, incident.ErrNotFound, nil},
		{"a queue not given", queue.Addresses{SMS: sendAt.SMS}, []deliver.Chunk{chunk("a")}, memos{}, incident.ErrNotFound, nil},
		{"memos not readable", sendAt, []deliver.Chunk{chunk("a"), memo}, memos{err: broken}, broken, nil},
		{"no twin", queue.Addresses{Email: sendAt.Email}, []deliver.Chunk{drill, memo}, memos{err: broken}, nil, []string{sendAt.Email}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var s stub
			q := queue.NewChunks(s.client(t, func(c call, _ int) answer { return taken(c) }), tt.at, families, tt.memos)
			if err := q.Send(t.Context(), tt.in); !errors.Is(err, tt.want) {
				t.Errorf("Send() = %v, want %v", err, tt.want)
			}
			var got []string
			for _, c := range s.seen() {
				got = append(got, c.QueueUrl)
			}
			if !slices.Equal(got, tt.queues) {
				t.Errorf("Send() called %v, want %v", got, tt.queues)
			}
		})
	}
}

func TestGroupsAreWhatSQSTakes(t *testing.T) {
	t.Parallel()
	in := map[string]string{ // recipient → group
		"plain": "hooks.example", "account": "@minato@social.example", "none": "",
		"room": "#障害", "space": "a room", "long": strings.Repeat("h", 129), "longest": strings.Repeat("h", 128),
	}
	var cs []deliver.Chunk
	for _, r := range slices.Sorted(maps.Keys(in)) {
		cs = append(cs, deliver.Chunk{Incident: "i-1", Channel: "slack", FromSeq: 1, Recipients: []incident.RecipientID{incident.RecipientID(r)}, Group: in[r]})
	}
	var s stub
	if err := queue.NewChunks(s.client(t, func(c call, _ int) answer { return taken(c) }), sendAt, families, memos{}).Send(t.Context(), cs); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for n, r := range slices.Sorted(maps.Keys(in)) {
		got[r] = s.seen()[0].Entries[n].MessageGroupId
	}
	for _, hashed := range []string{"room", "space", "long"} {
		if len(got[hashed]) != 64 {
			t.Errorf("group of %s = %q, want a hash", hashed, got[hashed])
		}
		in[hashed] = got[hashed]
	}
	if d := cmp.Diff(in, got); d != "" || got["room"] == got["space"] {
		t.Errorf("groups differ (-want +got):\n%s", d)
	}
}
