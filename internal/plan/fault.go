package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"shirase/internal/incident"
)

// maxFaults is how many faults of one file are told; a file with more is
// another file altogether.
const maxFaults = 100

// A Fault is one thing that is wrong with a plan file.
type Fault struct {
	// Line and Column begin at 1; columns count characters.
	Line, Column int
	// Path is where it stands in the format, such as "members[2].email"; empty
	// for faults of the file itself.
	Path string
	// Problem says what is wrong and what would be right.
	Problem string

	// source is the line itself, with anything that looks like a credential masked.
	source string
}

// summary says everything but the line itself, which may hold addresses.
func (f Fault) summary() string {
	where := fmt.Sprintf("line %d, column %d: ", f.Line, f.Column)
	if f.Path != "" {
		where += f.Path + ": "
	}
	return where + f.Problem
}

// drawn is how many characters of a long line stand on each side of the caret.
const drawn = 70

// String says what is wrong and draws the line with a caret under the place.
func (f Fault) String() string {
	line := []rune(strings.ReplaceAll(f.source, "\t", " "))
	at := min(max(f.Column-1, 0), len(line))
	before, after := string(line[max(at-drawn, 0):at]), string(line[at:min(at+drawn, len(line))])
	if at > drawn {
		before = "…" + before
	}
	if at+drawn < len(line) {
		after += "…"
	}
	number := fmt.Sprintf("%4d", f.Line)
	return fmt.Sprintf("%s\n%s | %s%s\n%s | %s^", f.summary(), number, before, after,
		strings.Repeat(" ", len(number)), strings.Repeat(" ", uniseg.StringWidth(before)))
}

// A FileError lists every fault of a plan file, in the order of the file. It is
// [incident.ErrInvalid]. Its message holds neither addresses nor source lines,
// so that it may be logged; the drawings of its faults are for the author only.
type FileError struct {
	Faults []Fault
}

func (e *FileError) Error() string {
	parts := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		parts[i] = f.summary()
	}
	return "plan: " + strings.Join(parts, "; ")
}

// Unwrap makes errors.Is(err, incident.ErrInvalid) true.
func (e *FileError) Unwrap() error { return incident.ErrInvalid }

// source is a plan file in lines, and what is wrong with it so far.
type source struct {
	lines []string
	// masked holds the lines that have been shown, as they are shown.
	masked map[int]string
	faults []Fault
}

func newSource(text string) *source {
	return &source{
		lines:  strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n"),
		masked: map[int]string{},
	}
}

// add notes a fault, while there is room for it. Positions outside the file
// are drawn at its nearest end.
func (s *source) add(line, column int, path, problem string) {
	if len(s.faults) == maxFaults {
		return
	}
	line = min(max(line, 1), len(s.lines))
	if _, ok := s.masked[line]; !ok {
		s.masked[line] = maskCredentials(s.lines[line-1])
	}
	text := s.masked[line]
	column = min(max(column, 1), utf8.RuneCountInString(text)+1)
	s.faults = append(s.faults, Fault{Line: line, Column: column, Path: path, Problem: problem, source: text})
}

// err answers everything that was noted, or nil.
func (s *source) err() error {
	if len(s.faults) == 0 {
		return nil
	}
	slices.SortStableFunc(s.faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return &FileError{Faults: s.faults}
}
