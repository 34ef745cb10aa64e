package locale_test

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"shirase/internal/locale"
)

func TestRead(t *testing.T) {
	t.Parallel()
	type words struct {
		Hello string            `json:"hello"`
		Names map[string]string `json:"names"`
	}
	for _, tt := range []struct {
		name, file, fault string
	}{
		{"good", `{"hello": "こんにちは", "names": {"a": "A"}}` + "\n", ""},
		{"a word that nobody says", `{"hello": "x", "helo": "y"}`, "helo"},
		{"another kind of value", `{"hello": 3}`, "hello"},
		{"cut off", `{"hello": "x"`, "unexpected EOF"},
		{"more after the end", `{"hello": "x"} {}`, "after the end"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var w words
			err := locale.Read(fstest.MapFS{"locales/ja.json": {Data: []byte(tt.file)}}, "ja", &w)
			if tt.fault != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fault) || !strings.Contains(err.Error(), `"ja"`) {
					t.Errorf("Read(%s) = %v, want an error about %q in ja", tt.file, err, tt.fault)
				}
			} else if err != nil || w.Hello != "こんにちは" || w.Names["a"] != "A" {
				t.Errorf("Read(%s) = %+v, %v", tt.file, w, err)
			}
		})
	}
	if err := locale.Read(fstest.MapFS{}, "ja", &words{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Read() without a file = %v, want ErrNotExist", err)
	}
}

func TestLanguages(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{"locales/ja.json": {}, "locales/en.json": {}, "locales/README": {}, "templates/de.json": {}}
	if got := locale.Languages(files); !slices.Equal(got, []string{"en", "ja"}) {
		t.Errorf("Languages() = %v, want en and ja", got)
	}
}
