package handler

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxBody is how long one alarm may be, in bytes, checked before it is parsed:
// what SNS carries at most by default.
const MaxBody = 256 << 10

// The sizes of what a signal carries, in runes or entries. CloudWatch's own
// limits are the same or lower, but for the reason.
const (
	maxName        = 255
	maxARN         = 600
	maxContributor = 255
	maxReason      = 1000
	maxDescription = 1024
	maxTags        = 50
	maxTagKey      = 128
	maxTagValue    = 256
	maxChildren    = 100
)

// cutMark ends a text that was cut.
const cutMark = "…"

// clean answers s without control characters and in at most limit runes, with a
// mark at the end where it was cut. Line breaks and tabs become spaces, since
// texts of a signal are shown in one line; characters that turn the direction
// of writing are dropped, since they make a reader see another text.
func clean(s string, limit int) string {
	s = strings.TrimSpace(strings.Map(plainRune, strings.ToValidUTF8(s, string(utf8.RuneError))))
	if r := []rune(s); len(r) > limit {
		return string(r[:limit-1]) + cutMark
	}
	return s
}

func plainRune(r rune) rune {
	switch {
	case r == '\n', r == '\r', r == '\t', r == '\u2028', r == '\u2029', r == '\u0085':
		return ' '
	case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == '\ufeff':
		return -1
	}
	return r
}

// exact reports whether a name may be kept as it is. Names are what signals are
// told apart by, so one that would have to be changed is refused instead.
func exact(s string, limit int) bool {
	return s != "" && utf8.ValidString(s) && !strings.ContainsRune(s, utf8.RuneError) &&
		utf8.RuneCountInString(s) <= limit && clean(s, limit) == s
}

// labels are the tags of an alarm or the attributes of a contributor. They come
// as an object, or as a list of keys and values; whatever else they are is left
// out, since an alarm is worth more than its labels.
type labels map[string]string

// UnmarshalJSON never fails on valid JSON.
func (l *labels) UnmarshalJSON(b []byte) error {
	*l = nil
	var m map[string]json.RawMessage
	if err := json.Unmarshal(b, &m); err == nil {
		for k, v := range m {
			l.add(k, v)
		}
		return nil
	}
	var list []struct {
		Key   string          `json:"key"`
		Name  string          `json:"name"`
		Value json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(b, &list); err == nil {
		for _, e := range list {
			if e.Key == "" {
				e.Key = e.Name
			}
			l.add(e.Key, e.Value)
		}
	}
	return nil
}

func (l *labels) add(key string, value json.RawMessage) {
	var s string
	if !bytes.HasPrefix(value, []byte(`"`)) || json.Unmarshal(value, &s) != nil || key == "" {
		return
	}
	if *l == nil {
		*l = labels{}
	}
	(*l)[key] = s
}

// bounded answers the labels as a signal may carry them: the first by name, nil
// where there are none.
func (l labels) bounded() map[string]string {
	out := map[string]string{}
	for _, k := range slices.Sorted(maps.Keys(l)) {
		key := clean(k, maxTagKey)
		if _, twice := out[key]; twice || key == "" {
			continue
		}
		if len(out) == maxTags {
			break
		}
		out[key] = clean(l[k], maxTagValue)
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// String answers the labels in one line, by name.
func (l labels) String() string {
	m := l.bounded()
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, k+"="+m[k])
	}
	return strings.Join(parts, ", ")
}

// cutBytes answers at most limit bytes of b, whole characters where it is text.
func cutBytes(b []byte, limit int) []byte {
	if len(b) <= limit {
		return b
	}
	n := limit
	for n > limit-utf8.UTFMax && !utf8.RuneStart(b[n]) {
		n--
	}
	return b[:n]
}
