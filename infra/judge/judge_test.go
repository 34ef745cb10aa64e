package judge_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shirase/infra/judge"
	"shirase/internal/incident"
)

// story is notice, notice, its retraction, correction of the first, the end.
func story() []incident.Line {
	return []incident.Line{
		{Seq: 1, Stage: incident.Investigating, Kind: incident.Notice},
		{Seq: 2, Stage: incident.Identified, Kind: incident.Notice, WithdrawnAt: time.Unix(1, 0)},
		{Seq: 3, Stage: incident.Investigating, Kind: incident.Retraction, Of: 2},
		{Seq: 4, Stage: incident.Investigating, Kind: incident.Correction, Of: 1},
		{Seq: 5, Stage: incident.Resolved, Kind: incident.Notice},
	}
}

func sights(seqs ...int) (out []judge.Sight) {
	for _, n := range seqs {
		out = append(out, judge.Sight{Seq: n})
	}
	return out
}

func codes(fs []judge.Fault) (out []judge.Code) {
	for _, f := range fs {
		out = append(out, f.Code)
	}
	return out
}

func TestNext(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		before []judge.Sight
		s      judge.Sight
		keyed  bool
		want   []judge.Code
	}{
		{name: "first", s: judge.Sight{Seq: 1}, keyed: true},
		{name: "newer", before: sights(1), s: judge.Sight{Seq: 5}, keyed: true},
		{name: "older after newer", before: sights(5), s: judge.Sight{Seq: 1}, want: []judge.Code{judge.Order}},
		{name: "older after what was withdrawn", before: sights(2, 3), s: judge.Sight{Seq: 1}},
		{name: "a retraction may come late", before: sights(2, 5), s: judge.Sight{Seq: 3}},
		{name: "twice with a key", before: sights(1), s: judge.Sight{Seq: 1}, keyed: true, want: []judge.Code{judge.Once}},
		{name: "twice without", before: sights(1), s: judge.Sight{Seq: 1}},
		{name: "three times without", before: sights(1, 1), s: judge.Sight{Seq: 1}, want: []judge.Code{judge.Once}},
		{name: "plain to one who was told", before: sights(1), s: judge.Sight{Seq: 4, Plain: true}, want: []judge.Code{judge.Told}},
		{name: "plain to one who was not", before: sights(3), s: judge.Sight{Seq: 4, Plain: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, codes(judge.Next(story(), tt.before, tt.s, tt.keyed))); diff != "" {
				t.Errorf("Next() (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		seen     []int
		given    []int // given up with a reason
		timeline bool
		want     []judge.Code
	}{
		{name: "nobody was told"},
		{name: "all of it", seen: []int{1, 2, 3, 4, 5}},
		{name: "the end is missing", seen: []int{1, 4}, want: []judge.Code{judge.End}},
		{name: "the end was given up", seen: []int{1, 4}, given: []int{5}},
		{name: "the retraction is missing", seen: []int{2, 5}, want: []judge.Code{judge.Mended}},
		{name: "a timeline names it", seen: []int{2, 5}, timeline: true},
		{name: "the correction is missing", seen: []int{1, 5}, want: []judge.Code{judge.Mended}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			known := map[int]bool{}
			for _, n := range append(tt.seen, tt.given...) {
				known[n] = true
			}
			got := judge.Rest(story(), sights(tt.seen...), func(n int) bool { return known[n] }, tt.timeline)
			if diff := cmp.Diff(tt.want, codes(got)); diff != "" {
				t.Errorf("Rest() (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	want := "i-1: 1 notice/investigating 2 notice/identified (withdrawn) 3 retraction/investigating of 2 " +
		"4 correction/investigating of 1 5 notice/resolved"
	if got := judge.History("i-1", story()); got != want {
		t.Errorf("History() = %s, want %s", got, want)
	}
}
