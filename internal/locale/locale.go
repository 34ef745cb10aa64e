// Package locale reads the files in which every word for people stands that is in
// no template: one JSON file for each language, locales/<language>.json, beside
// the code that says it. JSON because every program has its reader already, while
// that of YAML makes each function larger and its start slower.
package locale

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

const (
	folder = "locales"
	ending = ".json"
)

// Read reads the file of a language into a struct or a map. Names that into does
// not have are an error, and so is anything after the end; a language without a
// file is [fs.ErrNotExist].
func Read(files fs.FS, language string, into any) error {
	src, err := fs.ReadFile(files, Path(language))
	if err != nil {
		return fmt.Errorf("read the words of locale %q: %w", language, err)
	}
	d := json.NewDecoder(bytes.NewReader(src))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("read the words of locale %q: %w", language, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("read the words of locale %q: something stands after the end", language)
	}
	return nil
}

// Path answers where the file of a language stands.
func Path(language string) string { return folder + "/" + language + ending }

// Languages lists the languages that there are files for, sorted.
func Languages(files fs.FS) []string {
	names, _ := fs.Glob(files, Path("*")) // the pattern is a good one
	out := make([]string, len(names))
	for n, name := range names {
		out[n] = strings.TrimSuffix(path.Base(name), ending)
	}
	return out
}
