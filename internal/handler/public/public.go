package public

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"shirase/internal/handler/web"
	"shirase/internal/incident"
	"shirase/internal/plan"
)

// prefix begins the path of every incident's page.
const prefix = "/i/"

// maxID is the most characters of an id that is looked up.
const maxID = 64

// Handler serves the page under /i/.
type Handler struct {
	Incidents Incidents
	History   History
	Plans     Plans
	// Base is the configured public URL.
	Base string
	Log  *slog.Logger
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	web.Secure(w.Header())
	w.Header().Set("Vary", "Accept-Language")
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		h.refuse(w, r, http.StatusMethodNotAllowed, "method")
		return
	}
	err := h.show(w, r)
	switch {
	case errors.Is(err, incident.ErrNotFound):
		h.refuse(w, r, http.StatusNotFound, "missing")
	case err != nil:
		if h.Log != nil {
			h.Log.ErrorContext(r.Context(), "incident page failed", "error", err)
		}
		h.refuse(w, r, http.StatusInternalServerError, "internal")
	}
}

// show answers the page of an incident, or writes nothing and answers why not.
func (h *Handler) show(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	id, ok := idOf(r.URL.Path)
	if !ok {
		return incident.ErrNotFound
	}
	inc, err := h.Incidents.Incident(ctx, id)
	if err != nil {
		return fmt.Errorf("read incident: %w", err)
	}
	snap := inc.Snapshot()
	if snap.Seq == 0 {
		return incident.ErrNotFound
	}
	s := story{h: h, snap: snap}
	if s.plan, err = h.Plans.Version(ctx, snap.Plan); err != nil {
		return unreadable("plan", err)
	}
	if s.current, err = h.Plans.Current(ctx); err != nil {
		return unreadable("plan", err)
	}
	if s.audience, ok = readers(s.plan); !ok {
		return incident.ErrNotFound
	}
	if s.updates, err = h.History.Updates(ctx, id); err != nil {
		return unreadable("updates", err)
	}
	if !told(s.updates) {
		return incident.ErrNotFound
	}
	s.locale = web.Locale(r, s.locales())
	etag := fmt.Sprintf(`"%d-%d-%s-%s"`, snap.Version, s.current.Version, s.locale, build())
	w.Header().Set("ETag", etag)
	w.Header().Set("Cache-Control", "public, max-age=10")
	if matches(r.Header.Get("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	p, err := s.page(ctx)
	if err == nil {
		var b []byte
		if b, err = render(p); err == nil {
			if p.Drill {
				w.Header().Set("X-Robots-Tag", "noindex, nofollow")
			}
			w.Header().Set("Content-Language", string(s.locale))
			web.Write(w, http.StatusOK, b)
			return nil
		}
	}
	w.Header().Del("ETag")
	w.Header().Set("Cache-Control", "no-store")
	return err
}

// unreadable wraps an error about something that must be there, so that its
// absence is our fault and not the reader's.
func unreadable(what string, err error) error {
	if errors.Is(err, incident.ErrNotFound) {
		return fmt.Errorf("%s of an incident: none", what)
	}
	return fmt.Errorf("read %s: %w", what, err)
}

// idOf answers the incident that a path names.
func idOf(path string) (incident.ID, bool) {
	id, ok := strings.CutPrefix(path, prefix)
	if !ok || id == "" || len(id) > maxID || strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return "", false
	}
	return incident.ID(id), true
}

// readers answers the audience whose words this page speaks.
func readers(p *plan.Plan) (incident.Audience, bool) {
	if a, ok := p.Audience(incident.Customers); ok && a.Public {
		return a.ID, true
	}
	for _, a := range p.Audiences {
		if a.Public {
			return a.ID, true
		}
	}
	return "", false
}

// told reports whether anything was announced that concerns readers outside.
// An incident that was announced and only then found to be internal stays: who
// was told its beginning finds its end here.
func told(us []incident.Update) bool {
	for _, u := range us {
		if u.Severity != incident.Internal {
			return true
		}
	}
	return false
}

// matches reports whether a reader has the page already (RFC 9110, 13.1.2).
func matches(header, etag string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
			return true
		}
	}
	return false
}

// build names what pages are made by, so that a new program's pages are new.
var build = sync.OnceValue(func() string {
	all := []byte(web.Style())
	for _, name := range []string{"page.html.tmpl", "locales/ja.json", "locales/en.json"} {
		b, err := fs.ReadFile(files, name)
		if err != nil {
			panic(err) // it is embedded
		}
		all = append(all, b...)
	}
	return web.Digest(all)
})

// pages is parsed when the first page is asked for.
var pages = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Option("missingkey=error").ParseFS(files, "page.html.tmpl"))
})

func render(p *page) ([]byte, error) {
	var b bytes.Buffer
	if err := pages().ExecuteTemplate(&b, "page", p); err != nil {
		return nil, fmt.Errorf("write page: %w", err)
	}
	return b.Bytes(), nil
}

// refuse answers a page that says only why there is none. It is the same for
// every address, so that it tells nothing about any.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, status int, why string) {
	locale := web.Locale(r, plan.Locales())
	p := &page{Words: words(locale), Style: web.Under(h.Base) + web.Style(), Why: why}
	p.Languages = languages(p.Words, plan.Locales())
	b, err := render(p)
	if err != nil {
		if h.Log != nil {
			h.Log.ErrorContext(r.Context(), "incident page not written", "error", err)
		}
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Language", string(locale))
	w.Header().Set("X-Robots-Tag", "noindex, nofollow")
	web.Write(w, status, b)
}
