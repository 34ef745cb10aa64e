package deliver

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"shirase/internal/incident"
)

// everyIncident calls f with every incident of up to four updates that can be
// made of notices, corrections, retractions, an end and a merge.
func everyIncident(t *testing.T, f func(incident.Snapshot)) {
	t.Helper()
	start, err := incident.Open(incident.Opening{
		ID: "i", Kind: incident.Outage, Severity: incident.Major, Components: []incident.ComponentID{"c"},
		DetectedAt: noon, At: noon, By: "alarm",
	})
	if err != nil {
		t.Fatal(err)
	}
	var grow func(incident.Incident, int)
	grow = func(inc incident.Incident, depth int) {
		if inc.Seq() > 0 {
			f(inc.Snapshot())
		}
		if depth == 4 {
			return
		}
		now := noon.Add(time.Duration(depth+1) * time.Minute)
		for _, p := range everyProposal(inc.Snapshot(), now) {
			if next, _, err := inc.Accept(p, now); err == nil {
				grow(next, depth+1)
			}
		}
		p := incident.Proposal{By: "k"}
		if next, _, ok, err := inc.MergeInto("other", p, now); err == nil && ok {
			grow(next, depth+1)
		}
	}
	grow(start, 0)
}

func everyProposal(s incident.Snapshot, now time.Time) []incident.Proposal {
	ps := []incident.Proposal{
		{Kind: incident.Notice, Stage: incident.Investigating, By: "k", Next: now.Add(time.Hour)},
		{Kind: incident.Notice, Stage: incident.Resolved, By: "k"},
	}
	for of := 1; of <= s.Seq; of++ {
		for _, k := range []incident.UpdateKind{incident.Correction, incident.Retraction} {
			ps = append(ps,
				incident.Proposal{Kind: k, Of: of, Stage: s.Stage, By: "k", Next: now.Add(time.Hour)},
				incident.Proposal{Kind: k, Of: of, Stage: s.Stage, By: "k"})
		}
	}
	return ps
}

// everyHistory calls f with every way in which a recipient may stand to an
// incident of n updates: what was told for sure, or perhaps, and what is being
// tried.
func everyHistory(n int, f func(Item)) {
	results := []Result{"", Sent, Unknown, Superseded, Failed}
	var marks func(int, []Mark)
	marks = func(seq int, ms []Mark) {
		if seq > n {
			top := 0
			for _, m := range ms {
				top = m.Seq
			}
			if top == 0 || ms[len(ms)-1].Result != Superseded { // what gave way is never done
				f(Item{Seq: top, Text: top, State: Done, Marks: ms})
			}
			for try := max(top, 1); try <= n; try++ {
				f(Item{Seq: try, Text: try, State: Waiting, Marks: ms})
				f(Item{Seq: try, Text: try, State: Claimed, Lease: "l", LeaseUntil: noon, Marks: ms})
			}
			return
		}
		for _, r := range results {
			next := ms
			if r != "" {
				next = append(append([]Mark(nil), ms...), Mark{Seq: seq, Text: seq, Result: r, At: noon})
			}
			marks(seq+1, next)
		}
	}
	marks(1, nil)
}

func TestChooseEverywhere(t *testing.T) {
	t.Parallel()
	var owed, plain, under, none int
	everyIncident(t, func(s incident.Snapshot) {
		everyHistory(s.Seq, func(it Item) {
			for _, timeline := range []bool{true, false} {
				p, ok := Choose(s, it, timeline)
				if problem := checkPick(s, it, timeline, p, ok); problem != "" {
					t.Fatalf("Choose(%s, %+v, timeline %t) = %+v, %t: %s", describe(s), it, timeline, p, ok, problem)
				}
				switch {
				case !ok:
					none++
				case s.Lines[p.Text-1].Kind == incident.Retraction:
					owed++
				case p.Plain:
					plain++
				case p.Text < p.Seq:
					under++
				}
			}
		})
	})
	if owed*plain*under*none == 0 {
		t.Errorf("cases: %d owed, %d plain, %d under another number, %d none; want some of each", owed, plain, under, none)
	}
}

// checkPick answers what is wrong with a pick, by the words of design §5.
func checkPick(s incident.Snapshot, it Item, timeline bool, p Pick, ok bool) string {
	gone := func(seq int) bool { return s.Lines[seq-1].Withdrawn() }
	newest := 0
	for _, l := range s.Lines {
		if !gone(l.Seq) && l.Kind != incident.Retraction {
			newest = l.Seq
		}
	}
	// open tells that a text is neither sent nor given up.
	open := func(seq int) bool {
		for _, m := range it.Marks {
			if m.Text == seq {
				return m.Result == Superseded || m.Result == Unknown && (it.Text != seq || it.State != Done)
			}
		}
		return true
	}
	var debts []int
	for _, l := range s.Lines {
		if l.Of == 0 || gone(l.Seq) || !it.Told(l.Of) || !open(l.Seq) {
			continue
		}
		excused := false
		for n := l.Seq + 1; timeline && n <= s.Seq; n++ {
			excused = excused || it.Told(n) || n == newest && open(newest)
		}
		if !excused {
			debts = append(debts, l.Seq)
		}
	}
	wantNews := newest > 0 && open(newest) && (s.End != incident.EndMerged || it.ToldAny())
	switch {
	case !ok && len(debts) > 0:
		return fmt.Sprintf("%v are owed", debts)
	case !ok && wantNews:
		return "the newest is not told"
	case !ok:
		return ""
	case p.Seq < it.Seq, p.Seq > s.Seq, p.Seq < p.Text:
		return "no such number"
	case gone(p.Text):
		return "the text is withdrawn"
	case len(debts) > 0 && p.Text != debts[0]:
		return fmt.Sprintf("%v are owed first", debts)
	case len(debts) == 0 && !wantNews:
		return "nothing is left to tell"
	case len(debts) == 0 && p.Text != newest:
		return "it is not the newest"
	case len(debts) == 0 && s.Lines[s.Seq-1].Kind == incident.Retraction && p.Seq != s.Seq && it.Text != newest:
		return "it is not under the number of the retraction"
	}
	of := s.Lines[p.Text-1].Of
	if want := s.Lines[p.Text-1].Kind == incident.Correction && !it.Told(of); p.Plain != want {
		return fmt.Sprintf("plain must be %t", want)
	}
	return ""
}

// Whatever was told before, going on with what Choose says comes to an end, and
// then everything owed has been told and so has the newest.
func TestChooseComesToAnEnd(t *testing.T) {
	t.Parallel()
	everyIncident(t, func(s incident.Snapshot) {
		everyHistory(s.Seq, func(start Item) {
			for _, timeline := range []bool{true, false} {
				it := start
				told := []Pick{}
				for len(told) <= 2*s.Seq {
					p, ok := Choose(s, it, timeline)
					if !ok {
						break
					}
					told = append(told, p)
					now := noon.Add(time.Duration(len(told)) * time.Hour)
					d := Decide(it, Ask{Seq: p.Seq, Text: p.Text, Lease: "x", Now: now, Until: now.Add(time.Minute), Keyed: true})
					if d.Verdict != Granted {
						t.Fatalf("%s, %+v: Decide(%+v) = %s, want granted", describe(s), start, p, d.Verdict)
					}
					it, _ = Settlement{Lease: "x", Now: now, Result: Sent, Done: true}.Apply(d.Item)
				}
				if _, more := Choose(s, it, timeline); more {
					t.Fatalf("%s, %+v: after %+v there is still something to tell", describe(s), start, told)
				}
			}
		})
	})
}

func describe(s incident.Snapshot) string {
	var out strings.Builder
	for _, l := range s.Lines {
		fmt.Fprintf(&out, "%d:%s", l.Seq, l.Kind)
		if l.Of > 0 {
			fmt.Fprintf(&out, "(%d)", l.Of)
		}
		if l.Withdrawn() {
			out.WriteString("-withdrawn")
		}
		out.WriteString(" ")
	}
	return out.String() + string(s.End)
}

func TestChooseNamesFiveStagesOnly(t *testing.T) {
	t.Parallel()
	lines := []incident.Line{
		{Seq: 1, Kind: incident.Notice, WithdrawnAt: noon}, {Seq: 2, Kind: incident.Retraction, Of: 1},
	}
	it := Item{Seq: 1, Text: 1, State: Done, Marks: []Mark{{Seq: 1, Text: 1, Result: Sent}}}
	for seq := 3; seq <= 8; seq++ {
		lines = append(lines, incident.Line{Seq: seq, Kind: incident.Notice})
		want := Pick{Seq: seq, Text: seq}
		if seq > 6 { // 6 still names 2 to 6
			want = Pick{Seq: 2, Text: 2}
		}
		if got, ok := Choose(incident.Snapshot{Seq: seq, Lines: lines}, it, true); !ok || got != want {
			t.Errorf("Choose(retraction 2, newest %d) = %+v, %t, want %+v", seq, got, ok, want)
		}
	}
}

func TestChooseByAnOldSnapshot(t *testing.T) {
	t.Parallel()
	s := incident.Snapshot{Seq: 1, Lines: []incident.Line{{Seq: 1, Kind: incident.Notice}}}
	if p, ok := Choose(s, Item{Seq: 2, Text: 2, State: Waiting}, true); ok {
		t.Errorf("Choose(snapshot older than the claim) = %+v, want nothing", p)
	}
}
