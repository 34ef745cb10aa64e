package web

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/http"
	"sync"
)

//go:embed style.css
var style []byte

// Prefix begins the path of every asset.
const Prefix = "/assets/"

// Style answers the path of the stylesheet. It changes with its content, so
// that a cache may keep it for good.
var Style = sync.OnceValue(func() string { return Prefix + "style-" + Digest(style) + ".css" })

// Digest names some content in a few characters.
func Digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:6])
}

// Assets serves what pages load.
type Assets struct{}

// ServeHTTP implements [http.Handler].
func (Assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	Secure(w.Header())
	switch {
	case r.URL.Path != Style():
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, http.StatusText(http.StatusNotFound), http.StatusNotFound)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
	default:
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		_, _ = w.Write(style) // the reader has gone if this fails
	}
}
