package bulk

import (
	"flag"
	"slices"
	"testing"
)

var (
	only = flag.String("drain", "", "play the drain of this name as well, such as \"1 million\"")
	full = flag.Bool("storm", false, "let the whole storm blow")
)

func TestRuns(t *testing.T) {
	t.Parallel()
	for _, r := range Runs() {
		if !slices.Contains([]string{"poller stalled 3 h", "provider down 1 h", *only}, r.Name) {
			continue
		}
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			if err := r.Play(t.Context(), t.Output()); err != nil {
				t.Error(err)
			}
		})
	}
}
