package plan

import (
	"strings"
	"unicode"
)

// issued are the beginnings of credentials that providers hand out, and the
// addresses that are credentials themselves.
var issued = lazy(`(?i)(xox[a-z]-|xapp-|whsec_|ghp_|github_pat_|glpat-|\bsk_live_|\bAKIA[0-9A-Z]{12}|\bASIA[0-9A-Z]{12}|\beyJ[a-z0-9_-]{10}|-----BEGIN|\bbearer |hooks\.slack\.com/(services|workflows|triggers)/|discord(app)?\.com/api/webhooks/|webhook\.office\.com/webhook)[^\s"',}\]]*`)

// dense finds runs of letters and digits long enough to be a key.
var dense = lazy(`[A-Za-z0-9+]{20,}`)

// credential reports whether a text is one that a provider handed out.
func credential(s string) bool { return issued().MatchString(s) }

// random reports whether a text holds a run that no person would choose as a
// name: long, and changing between letters and digits again and again.
func random(s string) bool {
	for _, run := range dense().FindAllString(s, -1) {
		changes, last := 0, rune(0)
		for _, c := range run {
			kind := 'a'
			if unicode.IsDigit(c) {
				kind = '0'
			}
			if last != 0 && kind != last {
				changes++
			}
			last = kind
		}
		if changes >= 4 {
			return true
		}
	}
	return false
}

// maskCredentials hides what looks like a credential, sign by sign, so that a
// line of the file may be shown.
func maskCredentials(line string) string {
	stars := func(s string) string { return strings.Repeat("*", len([]rune(s))) }
	line = issued().ReplaceAllStringFunc(line, stars)
	return dense().ReplaceAllStringFunc(line, func(run string) string {
		if random(run) {
			return stars(run)
		}
		return run
	})
}

// secretName is how the stores of secrets name them.
var secretName = lazy(`^[A-Za-z0-9/_.+=@:-]{1,128}$`)

// secret reads the name of a secret, and refuses what looks like the secret itself.
func (r *reader) secret(i item) string {
	s, ok := r.word(i)
	if !ok {
		return ""
	}
	switch {
	case random(s), strings.Contains(s, "://"), len(s) > 128:
		r.fault(i, "looks like a credential; give the name it is stored under, such as shirase/slack")
	case !secretName().MatchString(s):
		r.fault(i, "must be the name a secret is stored under: letters, digits and / _ . + = @ : -")
	default:
		return s
	}
	return ""
}
