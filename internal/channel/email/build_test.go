package email_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/channel/email"
	"shirase/internal/channel/golden"
	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/message"
)

var noon = time.Date(2026, 9, 15, 5, 12, 0, 0, time.UTC)

func sender() email.From {
	return email.From{
		Address: "status@minato.test",
		Name:    incident.Text{"ja": "ミナト請求", "en": "Minato Billing"},
		ReplyTo: "help@minato.test",
	}
}

func envelope() deliver.Envelope {
	return deliver.Envelope{
		Key: "2f1a7d", Kind: deliver.KindUpdate, Incident: "01J8", Seq: 1, Locale: "ja", Channel: incident.Email,
		Recipient: "r1", To: "reader@example.test",
		Content: message.Content{
			Subject: "【障害発生】請求書の送信(ミナト請求)",
			Text:    "9月15日(火)14:05ごろから、請求書を送信できません。\n\n.\n14:30までに続けてお知らせします(日本時間)。\n\nhttps://minato.test/i/01J8\n",
			HTML:    "<!doctype html>\n<p>9月15日(火)14:05ごろから、請求書を送信できません。</p>\n",
		},
		Headers: map[string]string{
			"List-Unsubscribe":      "<https://status.minato.test/unsubscribe?t=" + strings.Repeat("abcdef0123456789", 8) + ">",
			"List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
		},
		At: noon,
	}
}

// parsed is a message read back by the standard library.
type parsed struct {
	header mail.Header
	parts  map[string]string
}

func parse(t *testing.T, raw []byte) parsed {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	p := parsed{header: m.Header, parts: map[string]string{}}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	if kind != "multipart/alternative" {
		p.parts[kind] = decode(t, m.Header.Get("Content-Transfer-Encoding"), m.Body)
		return p
	}
	r := multipart.NewReader(m.Body, params["boundary"])
	for {
		part, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return p
		}
		if err != nil {
			t.Fatal(err)
		}
		kind, params, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
		if err != nil || params["charset"] != "UTF-8" {
			t.Errorf("part is %s in %s, %v, want UTF-8", kind, params["charset"], err)
		}
		p.parts[kind] = decode(t, part.Header.Get("Content-Transfer-Encoding"), part)
	}
}

func decode(t *testing.T, encoding string, r io.Reader) string {
	t.Helper()
	switch encoding {
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, r)
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	default:
		t.Errorf("encoding %q, want base64 or quoted-printable", encoding)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(b), "\r\n", "\n")
}

func build(t *testing.T, e deliver.Envelope) []byte {
	t.Helper()
	raw, err := email.Build(e, sender())
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestBuildGolden(t *testing.T) {
	t.Parallel()
	golden.Compare(t, "wire/ja.golden", strings.ReplaceAll(string(build(t, envelope())), "\r\n", "\n"))
	e := envelope()
	e.Locale, e.Key = "en", "77aa"
	e.Content = message.Content{
		Subject: "[Investigating] Minato Billing: problem sending invoices",
		Text:    "We are sorry: Minato Billing has not been sending invoices since about 14:05 JST (05:05 UTC) on Tue 15 Sep.\n\nhttps://minato.test/i/01J8\n",
	}
	golden.Compare(t, "wire/en.golden", strings.ReplaceAll(string(build(t, e)), "\r\n", "\n"))
}

func TestBuildParsesBack(t *testing.T) {
	t.Parallel()
	e := envelope()
	p := parse(t, build(t, e))
	if diff := cmp.Diff(map[string]string{"text/plain": e.Content.Text, "text/html": e.Content.HTML}, p.parts); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
	var words mime.WordDecoder
	subject, err := words.DecodeHeader(p.header.Get("Subject"))
	if err != nil || subject != e.Content.Subject {
		t.Errorf("Subject = %q, %v, want %q", subject, err, e.Content.Subject)
	}
	from, err := p.header.AddressList("From")
	if err != nil || len(from) != 1 || from[0].Name != "ミナト請求" || from[0].Address != "status@minato.test" {
		t.Errorf("From = %v, %v, want ミナト請求 <status@minato.test>", from, err)
	}
	date, err := p.header.Date()
	if err != nil || !date.Equal(noon) {
		t.Errorf("Date = %v, %v, want %v", date, err, noon)
	}
	for name, want := range map[string]string{
		"To": "<reader@example.test>", "Reply-To": "<help@minato.test>", "Auto-Submitted": "auto-generated",
		"List-Unsubscribe": e.Headers["List-Unsubscribe"], "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
		"Content-Language": "ja", "Mime-Version": "1.0",
	} {
		if got := p.header[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s = %q, want %q once", name, got, want)
		}
	}
	if p.header.Get("Cc")+p.header.Get("Bcc")+p.header.Get("User-Agent")+p.header.Get("X-Mailer") != "" {
		t.Errorf("header = %v, want no Cc, Bcc or agent", p.header)
	}
}

func TestBuildIsTheSameAtEveryTry(t *testing.T) {
	t.Parallel()
	if a, b := build(t, envelope()), build(t, envelope()); !bytes.Equal(a, b) {
		t.Errorf("two tries differ:\n%s\n%s", a, b)
	}
}

func TestBuildIDs(t *testing.T) {
	t.Parallel()
	first, second, other, none := envelope(), envelope(), envelope(), envelope()
	second.Key, second.Seq = "next", 2
	other.Key, other.Incident = "other", "01J9"
	none.Key, none.Incident = "none", deliver.NoIncident
	var ids, refs []string
	for _, e := range []deliver.Envelope{first, second, other, none} {
		h := parse(t, build(t, e)).header
		ids = append(ids, h.Get("Message-Id"))
		refs = append(refs, h.Get("References"))
		if h.Get("In-Reply-To") != h.Get("References") {
			t.Errorf("In-Reply-To = %q, References = %q, want the same", h.Get("In-Reply-To"), h.Get("References"))
		}
		if id := h.Get("Message-Id"); !strings.HasSuffix(id, "@minato.test>") || id != "<"+h.Get("X-Entity-Ref-Id")+"@minato.test>" {
			t.Errorf("Message-ID = %q, want one of minato.test like X-Entity-Ref-ID %q", id, h.Get("X-Entity-Ref-Id"))
		}
	}
	slices.Sort(ids)
	if n := len(slices.Compact(ids)); n != 4 {
		t.Errorf("%d Message-IDs for 4 keys, want 4", n)
	}
	if refs[0] == "" || refs[0] != refs[1] || refs[0] == refs[2] || refs[3] != "" {
		t.Errorf("References = %q, want one root per incident, and none without", refs)
	}
}

func TestBuildRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*deliver.Envelope)
	}{
		{"no address", func(e *deliver.Envelope) { e.To = "" }},
		{"two addresses", func(e *deliver.Envelope) { e.To = "a@example.test, b@example.test" }},
		{"named address", func(e *deliver.Envelope) { e.To = "A <a@example.test>" }},
		{"address with a line break", func(e *deliver.Envelope) { e.To = "a@example.test\r\nBcc: b@example.test" }},
		{"address with a folded comment", func(e *deliver.Envelope) { e.To = "a@example.test (x\r\n y)" }},
		{"address in brackets", func(e *deliver.Envelope) { e.To = "<a@example.test>" }},
		{"no time", func(e *deliver.Envelope) { e.At = time.Time{} }},
		{"header with a line break", func(e *deliver.Envelope) { e.Headers["List-Unsubscribe"] = "<x>\r\nBcc: b@example.test" }},
		{"header beyond ASCII", func(e *deliver.Envelope) { e.Headers["List-Help"] = "<あ>" }},
		{"header of ours", func(e *deliver.Envelope) { e.Headers["Bcc"] = "b@example.test" }},
		{"header name with a line break", func(e *deliver.Envelope) { e.Headers["List-X\r\nBcc"] = "b@example.test" }},
		{"header name with a colon", func(e *deliver.Envelope) { e.Headers["List-X: y\n"] = "b" }},
		{"header that is all prefix", func(e *deliver.Envelope) { e.Headers["List-"] = "b" }},
	} {
		e := envelope()
		tt.change(&e)
		raw, err := email.Build(e, sender())
		if !errors.Is(err, incident.ErrInvalid) || raw != nil {
			t.Errorf("Build(%s) = %q, %v, want invalid", tt.name, raw, err)
		}
		if err != nil && strings.Contains(err.Error(), "example.test") {
			t.Errorf("Build(%s) = %q, an error with an address", tt.name, err)
		}
	}
	if _, err := email.Build(envelope(), email.From{Address: "not an address"}); !errors.Is(err, incident.ErrInvalid) {
		t.Errorf("Build from nobody = %v, want invalid", err)
	}
}

func TestBuildNames(t *testing.T) {
	t.Parallel()
	f := sender()
	f.ReplyTo = "https://minato.test/help"
	for _, tt := range []struct {
		locale incident.Locale
		names  incident.Text
		want   string
	}{
		{"en", f.Name, "Minato Billing"},
		{"fr", f.Name, "Minato Billing"},
		{"en", incident.Text{"en": "Minato \"R&D\",\r\nBcc: x"}, `Minato "R&D", Bcc: x`},
		{"en", nil, ""},
	} {
		e := envelope()
		e.Locale, f.Name = tt.locale, tt.names
		raw, err := email.Build(e, f)
		if err != nil {
			t.Fatal(err)
		}
		h := parse(t, raw).header
		from, err := h.AddressList("From")
		if err != nil || from[0].Name != tt.want || h.Get("Reply-To") != "" {
			t.Errorf("From = %v, %v, Reply-To %q, want name %q and no Reply-To", from, err, h.Get("Reply-To"), tt.want)
		}
	}
}

// FuzzBuild: no text in any field adds a header, a part or a recipient, and
// what is said parses back.
func FuzzBuild(f *testing.F) {
	for _, s := range []string{
		"a\r\nBcc: b@example.test", "a\rBcc: b", "a\nBcc: b", "a\u2028Bcc: b", "=?utf-8?Q?=0D=0ABcc:_b?=", "\n.\nQUIT", " folded\r\n more",
		strings.Repeat("x", 2000), strings.Repeat("あ", 500), "\x00\x1b[31m", "--_boundary--", "\ufffd\u202e", "a  b   c ",
	} {
		f.Add(s, s, s, s, s)
	}
	want := keys(f, envelope())
	f.Fuzz(func(t *testing.T, subject, text, html, name, header string) {
		e := envelope()
		e.Key, e.Incident = header, incident.ID("i"+header)
		e.Content = message.Content{Subject: subject, Text: text, HTML: "<p>" + html}
		e.Headers["X-Shirase-Test"] = header
		from := sender()
		from.Name = incident.Text{"ja": name}
		raw, err := email.Build(e, from)
		if errors.Is(err, incident.ErrInvalid) {
			delete(e.Headers, "X-Shirase-Test")
			raw, err = email.Build(e, from)
		}
		if err != nil {
			t.Fatalf("Build = %v", err)
		}
		p := parse(t, raw)
		delete(p.header, "X-Shirase-Test")
		if got := sorted(p.header); !slices.Equal(got, want) {
			t.Errorf("headers = %v, want %v", got, want)
		}
		if len(p.parts) != 2 {
			t.Errorf("%d parts, want 2", len(p.parts))
		}
		if got, want := p.parts["text/plain"], lines(text); got != want {
			t.Errorf("text = %q, want %q", got, want)
		}
		var words mime.WordDecoder
		if s, err := words.DecodeHeader(p.header.Get("Subject")); err != nil || strings.ContainsAny(s, "\r\n") {
			t.Errorf("Subject = %q, %v, want one line", s, err)
		}
		to, err := p.header.AddressList("To")
		if err != nil || len(to) != 1 || to[0].Address != "reader@example.test" {
			t.Errorf("To = %v, %v, want the one reader", to, err)
		}
		for l := range strings.SplitSeq(string(raw), "\r\n") {
			if len(l) > 998 || strings.ContainsAny(l, "\r\n") {
				t.Errorf("a line of %d bytes, or a bare line end: %.80q", len(l), l)
			}
		}
	})
}

// lines makes line ends plain, as they come back.
func lines(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

func keys(f *testing.F, e deliver.Envelope) []string {
	f.Helper()
	raw, err := email.Build(e, sender())
	if err != nil {
		f.Fatal(err)
	}
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		f.Fatal(err)
	}
	return sorted(m.Header)
}

func sorted(h mail.Header) []string {
	var out []string
	for name, vs := range h {
		for range vs {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func BenchmarkBuild(b *testing.B) {
	e, from := envelope(), sender()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := email.Build(e, from); err != nil {
			b.Fatal(err)
		}
	}
}
