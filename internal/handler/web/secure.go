package web

import (
	"net/http"
	"net/url"
	"strings"
)

// policy lets a page use our stylesheet and post forms to us, and nothing else.
const policy = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Secure sets the headers that every page and asset has.
func Secure(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	// A path may be a capability, so it never leaves as a referrer. no-referrer
	// would also empty the Origin header that forms are checked by.
	h.Set("Referrer-Policy", "strict-origin")
}

// CrossSite reports whether a request was made by another site's page. Base is
// the configured public URL; the Host header is not asked. A program that sends
// neither header is no browser, so nobody can have tricked it.
func CrossSite(r *http.Request, base string) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return false
	case "":
	default:
		return true
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	u, err := url.Parse(base)
	return err != nil || u.Host == "" || origin != u.Scheme+"://"+u.Host
}

// Under answers the path that the configured public URL puts before every path
// of ours: empty, or such as "/status" where a proxy serves us below it.
func Under(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	return strings.TrimRight(u.EscapedPath(), "/")
}

// Write answers a request with a page. The bytes are whole before anything is
// sent, so that a fault in a template never leaves half a page.
func Write(w http.ResponseWriter, status int, page []byte) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(page) // the reader has gone if this fails
}
