package message

import (
	"slices"
	"sort"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"shirase/internal/incident"
)

// urlPattern finds links inside a text.
var urlPattern = lazy(`https?://[!-~]+`)

// LimitOf answers the limit of a channel, and whether there is such a channel.
func LimitOf(c incident.Channel) (Limit, bool) {
	l, ok := limits[c]
	return l, ok
}

// tightest answers the limit that a text of the family must keep: that of the
// channel with the least room.
func tightest(f incident.Family) Limit {
	var out Limit
	for _, l := range limits {
		if l.Family == f && l.Max > 0 && (out.Max == 0 || l.Max < out.Max) {
			out = l
		}
	}
	return out
}

// Measure answers how much of the limit a text takes, in the limit's unit. Links
// count for what the channel counts them.
func (l Limit) Measure(text string) int {
	var n int
	if l.URL > 0 {
		for _, u := range urlPattern().FindAllString(text, -1) {
			n += l.URL - l.plain(u)
		}
	}
	return n + l.plain(text)
}

func (l Limit) plain(text string) int {
	switch l.Unit {
	case Runes:
		return utf8.RuneCountInString(text)
	case Graphemes:
		return uniseg.GraphemeClusterCount(text)
	case Bytes:
		return len(text)
	case SMSParts:
		parts, _ := Parts(text)
		return parts
	}
	return 0
}

// Fits reports whether a text is within the limit.
func (l Limit) Fits(text string) bool { return l.Max == 0 || l.Measure(text) <= l.Max }

// most is an upper bound for the graphemes that the limit lets through: each
// counts for at least one.
func (l Limit) most() int {
	if l.Unit == SMSParts {
		return l.Max * gsmSingle
	}
	return l.Max
}

// Fit cuts text until it is within the limit together with the link, which
// stands last, after a space, and is never cut. What is cut ends at a whole
// character, never within a link, and shows an ellipsis. Where the link leaves
// no room at all, the link alone remains. An empty link adds nothing.
func Fit(text, link string, l Limit) string {
	text = strings.TrimSpace(text)
	with := func(s string) string { return strings.TrimLeft(s+tail(link), " ") }
	if l.Fits(with(text)) {
		return with(text)
	}
	cut := trim(text, l.most(), func(s string) bool { return l.Fits(with(s)) })
	return with(cut)
}

// tail is the link as it ends a text.
func tail(link string) string {
	if link == "" {
		return ""
	}
	return " " + link
}

// trim answers the longest beginning of text, by whole characters and with an
// ellipsis, that ok lets through; empty where not even one character may stand.
func trim(text string, most int, ok func(string) bool) string {
	c := newCut(text, most)
	// More characters never take less room, so the first that is too long can be searched.
	n := sort.Search(len(c.ends), func(n int) bool { return !ok(c.at(n)) })
	if n == 0 {
		return ""
	}
	if w := c.word(n - 1); w >= 0 && ok(c.at(w)) {
		return c.at(w)
	}
	return c.at(n - 1)
}

// A cut knows where a text may end: after each whole character, which is what
// a reader sees as one, and never within a link.
type cut struct {
	text  string
	ends  []int
	links [][]int
}

func newCut(text string, most int) cut {
	c := cut{text: text, links: urlPattern().FindAllStringIndex(text, -1)}
	for rest, state, at := text, -1, 0; rest != "" && len(c.ends) <= most; {
		var g string
		g, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		at += len(g)
		c.ends = append(c.ends, at)
	}
	return c
}

// char answers the nth character.
func (c cut) char(n int) string {
	if n == 0 {
		return c.text[:c.ends[0]]
	}
	return c.text[c.ends[n-1]:c.ends[n]]
}

// at answers the text up to character n, without a link that it would cut and
// without spaces at the end, and with an ellipsis; empty if nothing remains.
func (c cut) at(n int) string {
	for _, u := range c.links {
		for n >= 0 && u[0] < c.ends[n] && c.ends[n] < u[1] {
			n--
		}
	}
	for n >= 0 && strings.TrimSpace(c.char(n)) == "" {
		n--
	}
	if n < 0 {
		return ""
	}
	s := c.text[:c.ends[n]]
	return s + ellipsis(s)
}

// word answers where the last word before character n ends, in alphabets with
// spaces and where it is near; negative if nowhere.
func (c cut) word(n int) int {
	if n+1 >= len(c.ends) || !ascii(c.char(n)) || c.char(n+1) == " " {
		return -1
	}
	for w := n; w > n/2; w-- {
		if c.char(w) == " " {
			return w - 1
		}
	}
	return -1
}

// ellipsis is the mark of a cut: three dots where one character would turn a
// short message into one of fewer characters.
func ellipsis(s string) string {
	if _, unicode := Parts(s); unicode {
		return "…"
	}
	return "..."
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// The sizes of a short message: in septets, and in UTF-16 units where one
// character is outside the GSM alphabet.
const (
	gsmSingle, gsmPart         = 160, 153
	unicodeSingle, unicodePart = 70, 67
)

const (
	gsmBasic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtra = "^{}\\[~]|€\f"
)

// Parts answers in how many parts a short message goes out, and whether it
// needs Unicode, which leaves less than half the room. A character is never
// split between parts, so a part may end early.
func Parts(text string) (parts int, unicode bool) {
	septets, gsm := make([]int, 0, len(text)), true
	for _, r := range text {
		switch {
		case strings.ContainsRune(gsmBasic, r):
			septets = append(septets, 1)
		case strings.ContainsRune(gsmExtra, r):
			septets = append(septets, 2)
		default:
			gsm = false
		}
		if !gsm {
			break
		}
	}
	if gsm {
		return split(septets, gsmSingle, gsmPart), false
	}
	units := make([]int, 0, len(text))
	for _, r := range text {
		units = append(units, max(1, utf16.RuneLen(r)))
	}
	return split(units, unicodeSingle, unicodePart), true
}

// split counts parts when each holds at most part, or all of it single.
func split(sizes []int, single, part int) int {
	var total int
	for _, n := range sizes {
		total += n
	}
	if total <= single {
		return 1
	}
	parts, room := 1, part
	for _, n := range sizes {
		if n > room {
			parts, room = parts+1, part
		}
		room -= n
	}
	return parts
}

// or stands between a piece and what may stand in its place where room is
// short. A cut sentence can turn into its opposite, as in 「できま…」, so a shorter
// whole one goes first. No data can hold it.
const or = tokenOpen + "or" + tokenClose

// form stands between the forms of a text, fullest first. No data can hold it.
const form = tokenOpen + "form" + tokenClose

// compose writes the first form of a text that fits whole. Only where none
// does, the last one is made to fit piece by piece.
func compose(out, join, link string, l Limit) string {
	forms := strings.Split(out, form)
	last := len(forms) - 1
	for _, f := range forms[:last] {
		var parts []string
		for _, p := range pieces(f) {
			parts = append(parts, p.text)
		}
		if text := strings.Join(parts, join) + tail(link); len(parts) > 0 && l.Fits(text) {
			return text
		}
	}
	text, _ := assemble(pieces(forms[last]), join, link, l)
	return text
}

// either puts behind each form of a text the same form with fewer names. Both
// have the same forms, and the last one is that with fewer names.
func either(out, fewer string) string {
	a, b := strings.Split(out, form), strings.Split(fewer, form)
	var forms []string
	for n := range b {
		forms = append(forms, a[n], b[n])
	}
	return strings.Join(forms, form)
}

// A piece is one segment of a short text. Pieces of rank 0 always stand; the
// others go from the highest rank down when there is no room. Soft ones are
// shortened before they go.
type piece struct {
	rank int
	soft bool
	text string
	// others are shorter texts that may take its place, in order.
	others []string
	// whole is the text before it was shortened.
	whole string
}

// pieces reads the lines that a short template put out: a rank, "~" where the
// piece may be shortened, a space, and the text.
func pieces(out string) []piece {
	var ps []piece
	for l := range strings.SplitSeq(out, "\n") {
		l = strings.TrimLeft(l, " ")
		if len(l) < 2 || l[0] < '0' || l[0] > '9' {
			continue
		}
		p := piece{rank: int(l[0] - '0')}
		rest := l[1:]
		if rest, p.soft = strings.CutPrefix(rest, "~"); strings.TrimSpace(rest) == "" {
			continue
		}
		whole, others, _ := strings.Cut(strings.TrimSpace(rest), or)
		p.text = strings.TrimSpace(whole)
		if others != "" {
			p.others = strings.Split(others, or)
		}
		ps = append(ps, p)
	}
	return ps
}

// softLeast is what a shortened piece keeps, in characters, as long as
// something less important can still go.
const softLeast = 14

// assemble joins pieces and makes them fit: first the hard pieces above rank 1
// go, then shorter texts take the place of long ones, then the soft pieces are
// shortened, then they go too, and rank 1 last.
// Dropped tells the lowest rank that had to go, 0 if none.
func assemble(ps []piece, join, link string, l Limit) (text string, dropped int) {
	ps = slices.Clone(ps)
	build := func() string {
		var parts []string
		for _, p := range ps {
			if p.text != "" {
				parts = append(parts, p.text)
			}
		}
		return strings.Join(parts, join) + tail(link)
	}
	fits := func() bool { return l.Fits(build()) }
	each := func(do func(p *piece) (done bool)) bool {
		for rank := 9; rank >= 1; rank-- {
			for _, soft := range []bool{false, true} { // what can be shortened outlasts the rest of its rank
				for n := range ps {
					if ps[n].rank == rank && ps[n].soft == soft && ps[n].text != "" && do(&ps[n]) {
						return true
					}
				}
			}
		}
		return false
	}
	drop := func(p *piece) {
		p.text = ""
		if dropped == 0 || p.rank < dropped {
			dropped = p.rank
		}
	}
	if fits() {
		return build(), 0
	}
	_ = each(func(p *piece) bool {
		if p.soft || p.rank == 1 {
			return false
		}
		drop(p)
		return fits()
	}) || each(func(p *piece) bool {
		for len(p.others) > 0 {
			p.text, p.others = strings.TrimSpace(p.others[0]), p.others[1:]
			if fits() {
				return true
			}
		}
		return false
	}) || each(func(p *piece) bool {
		if !p.soft {
			return false
		}
		whole := p.text
		p.whole = whole
		if uniseg.GraphemeClusterCount(whole) <= softLeast {
			return false
		}
		p.text = trim(whole, l.most(), func(s string) bool { p.text = s; return fits() })
		if uniseg.GraphemeClusterCount(p.text) >= softLeast/2 {
			return true
		}
		p.text = trim(whole, softLeast, func(string) bool { return true })
		return fits()
	}) || each(func(p *piece) bool {
		if p.soft {
			if p.whole != "" {
				p.text = p.whole
			}
			if fits() {
				return true
			}
			if p.text = trim(p.text, l.most(), func(s string) bool { p.text = s; return fits() }); uniseg.GraphemeClusterCount(p.text) >= 3 {
				return true
			}
		}
		drop(p)
		return fits()
	})
	return build(), dropped
}

// toASCII turns the marks that a keyboard or an editor puts into English into
// the plain ones, since one curly quote more than doubles a short message.
func toASCII(s string) string { return plainMarks.Replace(s) }

var plainMarks = strings.NewReplacer("‘", "'", "’", "'", "“", `"`, "”", `"`, "–", "-", "—", "-", "‐", "-", "‑", "-", "−", "-",
	"…", "...", "\u00a0", " ", "\u2009", " ", "\u200b", "", "•", "-", "·", "-", "×", "x", "`", "'")
