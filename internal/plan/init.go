package plan

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"shirase/internal/incident"
)

// maxAnswer bounds one answer, in bytes.
const maxAnswer = 4096

// Init asks five questions and answers a plan file made of what was said. It
// asks again where an answer cannot be used. If the reader ends before the last
// answer the error is [io.ErrUnexpectedEOF].
func Init(r io.Reader, w io.Writer) ([]byte, error) {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 0, maxAnswer), maxAnswer)
	a := answers{locales: []string{"ja", "en"}, name: "-", contact: "help@example.test", zone: "UTC"}
	for _, key := range []string{"locales", "name", "contact", "zone", "members"} {
		for {
			answer, err := ask(in, w, key, a.usual(key))
			if err != nil {
				return nil, fmt.Errorf("plan init: %w", err)
			}
			with := a.with(key, answer)
			problem := with.problem()
			if problem == "" {
				a = with
				break
			}
			if _, err := fmt.Fprintf(w, "! %s\n", problem); err != nil {
				return nil, fmt.Errorf("plan init: %w", err)
			}
		}
	}
	return a.file(), nil
}

// ask puts one question in every language there is, since nobody knows yet who
// answers, and reads a line. An empty line means the usual answer.
func ask(in *bufio.Scanner, w io.Writer, key, usual string) (string, error) {
	var b strings.Builder
	for _, l := range Locales() {
		b.WriteString(lexicon(l).Questions[key] + "\n")
	}
	if usual != "" {
		b.WriteString("[" + usual + "] ")
	}
	if _, err := io.WriteString(w, b.String()+"> "); err != nil {
		return "", fmt.Errorf("ask: %w", err)
	}
	if !in.Scan() {
		if err := in.Err(); err != nil {
			return "", fmt.Errorf("read the answer: %w", err)
		}
		return "", io.ErrUnexpectedEOF
	}
	if s := strings.TrimSpace(in.Text()); s != "" {
		return s, nil
	}
	return usual, nil
}

// answers is what was said so far; what was not holds something that will do.
type answers struct {
	locales             []string
	name, contact, zone string
	members             []string
}

// usual is what an empty answer means; empty where there is nothing usual.
func (a answers) usual(key string) string {
	switch key {
	case "locales":
		return strings.Join(a.locales, ", ")
	case "zone":
		if a.locales[0] == "ja" {
			return "Asia/Tokyo"
		}
		return "UTC"
	}
	return ""
}

// with answers the answers with one more.
func (a answers) with(key, s string) answers {
	switch key {
	case "locales":
		a.locales = split(s)
	case "name":
		a.name = s
	case "contact":
		a.contact = s
	case "zone":
		a.zone = s
	case "members":
		a.members = split(s)
	}
	return a
}

// split cuts a list at commas and spaces, also those of a Japanese keyboard.
func split(s string) []string {
	return strings.FieldsFunc(s, func(c rune) bool { return strings.ContainsRune(" ,;、，\u3000", c) })
}

// problem says what is wrong with the answers so far; the format itself judges.
func (a answers) problem() string {
	_, err := Parse(a.file(), map[incident.Channel]incident.Family{incident.Email: incident.FamilyEmail})
	if file, ok := errors.AsType[*FileError](err); ok {
		return file.Faults[0].Problem
	}
	return ""
}

// file writes the answers as a plan.
func (a answers) file() []byte {
	first := lexicon(incident.Locale(slices.Concat(a.locales, []string{"en"})[0])).File
	var names, effects []string
	for _, l := range a.locales {
		w := lexicon(incident.Locale(l))
		names = append(names, l+": "+quote(w.Sample.Name))
		effects = append(effects, l+": "+quote(w.Sample.Effect))
	}
	quoted := make([]string, len(a.locales))
	for n, l := range a.locales {
		quoted[n] = quote(l)
	}
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# %s", first["head"])
	line("organisation:")
	line("  name: %s", quote(a.name))
	line("  contact: %s", quote(a.contact))
	line("  zone: %s", quote(a.zone))
	line("  locales: [%s]", strings.Join(quoted, ", "))
	line("# %s", first["components"])
	line("components:")
	line("  - id: service")
	line("    name: {%s}", strings.Join(names, ", "))
	line("    effect: {%s}", strings.Join(effects, ", "))
	if len(a.members) == 0 {
		return []byte(b.String())
	}
	ids := memberNames(a.members)
	line("# %s", first["members"])
	line("members:")
	for n, m := range a.members {
		line("  - {id: %s, email: %s}", ids[n], quote(m))
	}
	line("oncall: [%s]", strings.Join(ids, ", "))
	return []byte(b.String())
}

// quote writes a text so that YAML reads it back as it is.
func quote(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return `""` // a string always encodes
	}
	return strings.TrimSpace(b.String())
}

// memberNames makes an id of each mail address: the part before the @, with a
// number where two are alike.
func memberNames(addresses []string) []string {
	const most = 36 // leaves room for the number
	out := make([]string, 0, len(addresses))
	for n, a := range addresses {
		local, _, _ := strings.Cut(strings.ToLower(a), "@")
		id := strings.Map(func(c rune) rune {
			if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
				return c
			}
			return '-'
		}, local)
		id = strings.Trim(id[:min(len(id), most)], "-")
		if id == "" || slices.Contains(out, id) {
			id = strings.TrimPrefix(fmt.Sprintf("%s-%d", id, n+1), "-")
		}
		out = append(out, id)
	}
	return out
}
