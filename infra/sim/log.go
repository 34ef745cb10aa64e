package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// kinds of failure, as the log of campaigns counts them.
var logged = []struct {
	name  string
	codes []string
}{
	{"lost", []string{"I1", "I2", "I10", "I11", "I15"}},
	{"older after newer", []string{"I4", "I5", "I12"}},
	{"wrong audience", []string{"I6", "I14"}},
	{"doubled", []string{"I3"}},
	{"other", []string{"I7", "I8", "I9", "I13"}},
}

// logCampaign adds a line about a campaign to a file: date, commit, first seed,
// seeds, failures and those by kind, texts told, texts shown twice on channels
// without keys.
func logCampaign(file string, day time.Time, first uint64, t total) error {
	row := []string{day.UTC().Format(time.DateOnly), commit(), fmt.Sprint(first), fmt.Sprint(t.seeds), fmt.Sprint(len(t.failures))}
	for _, k := range logged {
		n := 0
		for _, f := range t.failures {
			if slices.Contains(k.codes, f.found[0].code) {
				n++
			}
		}
		row = append(row, fmt.Sprint(n))
	}
	row = append(row, fmt.Sprint(t.told()), fmt.Sprint(t.rares[shownTwice]))
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // whoever runs it names the file
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	_, err = f.WriteString(strings.Join(row, "\t") + "\n")
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("write log: %w", err)
	}
	return nil
}

// commit answers what the program was built from, with a plus if changed since.
func commit() string {
	info, _ := debug.ReadBuildInfo()
	rev, changed := "unknown", ""
	if info != nil {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				rev = s.Value[:min(len(s.Value), 12)]
			case s.Key == "vcs.modified" && s.Value == "true":
				changed = "+"
			}
		}
	}
	return rev + changed
}
