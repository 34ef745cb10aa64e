package main

import (
	"bytes"
	"context"
	"crypto/subtle"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"sync"

	"shirase/internal/embedded"
	"shirase/internal/incident"
)

//go:embed inbox/*.html inbox/inbox.css
var inboxFiles embed.FS

// inboxPages is parsed when the page is first asked for.
var inboxPages = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Option("missingkey=error").ParseFS(inboxFiles, "inbox/*.html"))
})

// The policies of the inbox. The page runs no script and loads its stylesheet
// and the frame of a mail, nothing else. A mail is shown in a frame that can do
// nothing at all: what is in it was written for a mail program.
const (
	pagePolicy = "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	mailPolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)

// inboxPage shows what each recipient got, as they saw it.
func (p *program) inboxPage(w http.ResponseWriter, r *http.Request) {
	if !p.mayLook(w, r) {
		return
	}
	q := r.URL.Query()
	as := wish{Incident: incident.ID(q.Get("i")), Message: q.Get("m"), As: q.Get("as")}
	s, err := p.look(r.Context(), as)
	if err != nil {
		p.unseen(w, err)
		return
	}
	var b bytes.Buffer
	if err := inboxPages().ExecuteTemplate(&b, "page", newInboxPage(s, as)); err != nil {
		p.unseen(w, err)
		return
	}
	p.show(w, "text/html; charset=utf-8", pagePolicy, b.Bytes())
}

// inboxJSON answers every message, oldest first.
func (p *program) inboxJSON(w http.ResponseWriter, r *http.Request) {
	if !p.mayLook(w, r) {
		return
	}
	es, err := p.mailbox.List(r.Context())
	if err != nil {
		p.unseen(w, err)
		return
	}
	if es == nil {
		es = []embedded.Entry{}
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	p.writeJSON(w, http.StatusOK, es)
}

// inboxFile answers the stylesheet, or a mail as its own document.
func (p *program) inboxFile(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	if name == "inbox.css" {
		css, err := inboxFiles.ReadFile("inbox/inbox.css")
		if err != nil {
			p.unseen(w, err)
			return
		}
		p.show(w, "text/css; charset=utf-8", pagePolicy, css)
		return
	}
	if !p.mayLook(w, r) {
		return
	}
	id, isMail := strings.CutSuffix(name, ".html")
	es, err := p.mailbox.List(r.Context())
	if err != nil {
		p.unseen(w, err)
		return
	}
	n := slices.IndexFunc(es, func(e embedded.Entry) bool { return isMail && e.ID == id && e.HTML != "" })
	if n < 0 {
		http.NotFound(w, r)
		return
	}
	p.show(w, "text/html; charset=utf-8", mailPolicy, []byte(es[n].HTML))
}

// mayLook lets in whoever is at this machine. The inbox holds addresses and
// signed links, so whoever reaches it from elsewhere shows the admin key: as a
// bearer, or as the password that a browser asks for.
func (p *program) mayLook(w http.ResponseWriter, r *http.Request) bool {
	if p.loopback && p.config.PublicURL == "" {
		return true
	}
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if _, password, ok := r.BasicAuth(); ok {
		token = password
	}
	if subtle.ConstantTimeCompare([]byte(token), []byte(p.key)) == 1 {
		return true
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="Shirase inbox: any name, the admin key as password", charset="UTF-8"`)
	http.Error(w, "The inbox asks for the admin key: as a bearer, or as the password with any name.", http.StatusUnauthorized)
	return false
}

func (p *program) show(w http.ResponseWriter, kind, policy string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(body) // the reader has gone if this fails
}

// unseen answers that the inbox could not be shown.
func (p *program) unseen(w http.ResponseWriter, err error) {
	if errors.Is(err, context.Canceled) {
		return // the reader has gone
	}
	p.log.Error("inbox not shown", "error", fmt.Errorf("show inbox: %w", err))
	http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
}
