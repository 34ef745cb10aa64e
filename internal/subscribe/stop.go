package subscribe

import (
	_ "embed"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// stopWords is one phrase a line.
//
//go:embed stop.txt
var stopWords string

// maxReply is how much of a reply is looked at, in bytes: an SMS has 1,600
// characters at most.
const maxReply = 6400

// Stops reports whether a reply asks us to stop: whether it is one of the phrases
// of stop.txt, in whatever letters, spaces and signs, or begins with one that is
// marked there. Any reasonable wording must be heeded (47 CFR 64.1200(a)(10)); a
// sentence that only holds such a word need not be a wish to stop.
func Stops(reply string) bool {
	if len(reply) > maxReply {
		return false
	}
	words := plainWords(reply)
	if len(words) == 0 {
		return false
	}
	whole, first := stopPhrases()
	return whole[strings.Join(words, "")] || first[words[0]]
}

// stopPhrases answers the phrases without spaces, and the words that a reply may
// begin with, whatever follows.
var stopPhrases = sync.OnceValues(func() (whole, first map[string]bool) {
	whole, first = map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(stopWords) {
		phrase, _, _ := strings.Cut(line, "//")
		word, marked := strings.CutSuffix(strings.TrimSpace(phrase), "…")
		key := strings.Join(plainWords(word), "")
		if key == "" {
			continue
		}
		whole[key] = true
		if marked {
			first[key] = true
		}
	}
	return whole, first
})

// plainWords answers the words of a text in small letters of one width, without
// any signs.
func plainWords(s string) []string {
	return strings.FieldsFunc(strings.ToLower(norm.NFKC.String(s)), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.M, r)
	})
}
