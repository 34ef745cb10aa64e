package main

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"
)

// files are the bugs: an archive each, whose comment names the promise that is
// broken and says how, and whose parts are file, old and new.
//
//go:embed bugs/*.txtar
var files embed.FS

// bug is a mistake that can be planted.
type bug struct {
	// name is that of its data file.
	name string
	// code is the invariant that it breaks, why says how.
	code, why string
	// file is patched: old, which stands there once, becomes new.
	file, old, new string
}

var comment = regexp.MustCompile(`^(I\d+): (\S.*\.)\n$`)

// load reads all bugs, by name.
func load() ([]bug, error) {
	names, err := fs.Glob(files, "bugs/*.txtar")
	if err != nil {
		return nil, fmt.Errorf("list bugs: %w", err)
	}
	bugs := make([]bug, 0, len(names))
	for _, name := range names {
		data, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read a bug: %w", err)
		}
		b, err := parse(strings.TrimSuffix(path.Base(name), ".txtar"), data)
		if err != nil {
			return nil, err
		}
		bugs = append(bugs, b)
	}
	return bugs, nil
}

// parse reads one data file. The last line break of each part is not its own.
func parse(name string, data []byte) (bug, error) {
	a := txtar.Parse(data)
	m := comment.FindSubmatch(a.Comment)
	if m == nil {
		return bug{}, fmt.Errorf("bug %s: its comment must be an invariant, a colon and a sentence", name)
	}
	b := bug{name: name, code: string(m[1]), why: string(m[2])}
	want := []string{"file", "old", "new"}
	if len(a.Files) != len(want) {
		return bug{}, fmt.Errorf("bug %s: it must have the parts %v", name, want)
	}
	for n, into := range []*string{&b.file, &b.old, &b.new} {
		if a.Files[n].Name != want[n] {
			return bug{}, fmt.Errorf("bug %s: part %d is %q, not %q", name, n+1, a.Files[n].Name, want[n])
		}
		*into = strings.TrimSuffix(string(a.Files[n].Data), "\n")
	}
	return b, nil
}

// apply plants the bug in the source of its file.
func (b bug) apply(source string) (string, error) {
	if n := strings.Count(source, b.old); n != 1 {
		return "", fmt.Errorf("bug %s: what it replaces stands in %s %d times, not once", b.name, b.file, n)
	}
	return strings.Replace(source, b.old, b.new, 1), nil
}
