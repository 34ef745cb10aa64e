package signup

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"shirase/internal/incident"
	"shirase/internal/subscribe"
)

// maxBody bounds what is read of a request.
const maxBody = 64 << 10

// Config is what the pages need. All of it must be given.
type Config struct {
	Service *subscribe.Service
	// URL is the configured public URL, without a slash at the end.
	URL string
	Now func() time.Time
	Log *slog.Logger
}

type handler struct {
	service *subscribe.Service
	// base is the path of the public URL, which every link begins with.
	base   string
	secure bool
	now    func() time.Time
	log    *slog.Logger
	mux    *http.ServeMux
}

// New makes the handler. It serves its routes at the root; whoever runs it
// below a path strips that path.
func New(c Config) (http.Handler, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return nil, fmt.Errorf("the public URL must be one: %w", incident.ErrInvalid)
	}
	h := &handler{
		service: c.Service, base: strings.TrimSuffix(u.Path, "/"), secure: u.Scheme == "https",
		now: c.Now, log: c.Log, mux: http.NewServeMux(),
	}
	for path, do := range map[string][2]func(*exchange){
		"/subscribe":   {h.showSubscribe, h.subscribe},
		"/confirm":     {h.showConfirm, h.confirm},
		"/manage":      {h.showManage, h.manage},
		"/unsubscribe": {h.showUnsubscribe, h.unsubscribe},
	} {
		h.mux.HandleFunc("GET "+path, h.page(do[0]))
		h.mux.HandleFunc("POST "+path, h.page(do[1]))
		h.mux.HandleFunc(path, h.page(func(x *exchange) {
			x.w.Header().Set("Allow", "GET, HEAD, POST")
			x.note(http.StatusMethodNotAllowed, "method", false)
		}))
	}
	h.mux.HandleFunc("GET /assets/signup.css", h.style)
	h.mux.HandleFunc("/", h.page(func(x *exchange) { x.note(http.StatusNotFound, "missing", false) }))
	return h, nil
}

// ServeHTTP serves the pages.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Security-Policy",
		"default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	header.Set("Cache-Control", "no-store")
	if r.URL.Path != "/subscribe" {
		header.Set("X-Robots-Tag", "noindex")
	}
	if h.secure {
		header.Set("Strict-Transport-Security", "max-age=31536000")
	}
	h.mux.ServeHTTP(w, r)
}

// style serves the one stylesheet.
func (h *handler) style(w http.ResponseWriter, r *http.Request) {
	css, err := files.ReadFile("assets/signup.css")
	if err != nil {
		h.log.ErrorContext(r.Context(), "stylesheet missing", slog.Any("error", err))
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	sum := sha256.Sum256(css)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	w.Header().Set("Cache-Control", "public, max-age=3600")
	w.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(css)))
	h.write(w, r, css)
}

func (h *handler) write(w http.ResponseWriter, r *http.Request, b []byte) {
	if _, err := w.Write(b); err != nil {
		h.log.InfoContext(r.Context(), "reader went away", slog.Any("error", err))
	}
}

// An exchange is one request and its answer.
type exchange struct {
	h *handler
	w http.ResponseWriter
	r *http.Request
	// form holds the body of a POST, nil otherwise; token is the link's.
	form  url.Values
	token string
	offer subscribe.Offer
	lang  string
	words words
	// json tells that a program asks, not a person.
	json bool
}

// page prepares an exchange: it reads the body, finds the language and what is
// on offer, and answers at once where that fails.
func (h *handler) page(do func(*exchange)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		x := &exchange{h: h, w: w, r: r}
		status := x.read()
		all, err := loadWords()
		if err != nil {
			x.broken(err)
			return
		}
		o, err := h.service.Offer(r.Context())
		closed := errors.Is(err, subscribe.ErrClosed)
		x.offer = o
		asked := r.URL.Query().Get("lang")
		if asked == "" {
			asked = x.form.Get("lang")
		}
		organisation := make([]string, len(o.Locales))
		for n, l := range o.Locales {
			organisation[n] = string(l)
		}
		x.lang = languageOf(r, asked, organisation)
		x.words = all[x.lang]
		switch {
		case status != 0:
			x.note(status, map[int]string{
				http.StatusRequestEntityTooLarge: "large", http.StatusUnsupportedMediaType: "media", http.StatusBadRequest: "form",
			}[status], false)
		case err != nil && (!closed || r.URL.Path == "/subscribe"):
			x.fail(err)
		default:
			do(x)
		}
	}
}

// read reads the body and the token, and answers the status of a request that
// cannot be read, else 0.
func (x *exchange) read() int {
	x.token = x.r.URL.Query().Get("t")
	if x.r.Method != http.MethodPost {
		return 0
	}
	if enc := x.r.Header.Get("Content-Encoding"); enc != "" && !strings.EqualFold(enc, "identity") {
		return http.StatusUnsupportedMediaType
	}
	x.r.Body = http.MaxBytesReader(x.w, x.r.Body, maxBody)
	kind, _, err := mime.ParseMediaType(x.r.Header.Get("Content-Type"))
	if err != nil {
		return http.StatusUnsupportedMediaType
	}
	switch kind {
	case "application/x-www-form-urlencoded":
		err = x.r.ParseForm()
	case "multipart/form-data":
		err = x.r.ParseMultipartForm(maxBody)
	case "application/json":
		x.json = x.r.URL.Path == "/subscribe"
		if !x.json {
			return http.StatusUnsupportedMediaType
		}
		return 0
	default:
		return http.StatusUnsupportedMediaType
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return http.StatusRequestEntityTooLarge
	}
	if err != nil {
		return http.StatusBadRequest
	}
	x.form = x.r.PostForm //nolint:forbidigo // what was sent to us, not a client
	if x.token == "" {
		x.token = x.form.Get("t")
	}
	return 0
}

// origin answers where the request comes from. Only the connection counts;
// headers say what they like.
func (x *exchange) origin(how subscribe.How) subscribe.Origin {
	ip, err := netip.ParseAddrPort(x.r.RemoteAddr)
	if err != nil {
		bare, err := netip.ParseAddr(x.r.RemoteAddr)
		if err != nil {
			return subscribe.Origin{How: how}
		}
		return subscribe.Origin{IP: bare, How: how}
	}
	return subscribe.Origin{IP: ip.Addr(), How: how}
}

// new begins a page. The heading may hold the organisation's name.
func (x *exchange) new(name, title string) (*page, error) {
	p := &page{words: x.words, Name: name, Lang: x.lang, Base: x.h.base, Token: x.token}
	p.Organisation = in(x.offer.Organisation, x.lang, "Shirase")
	p.Contact, p.ContactHref = x.offer.Contact, href(x.offer.Contact)
	all, err := loadWords()
	if err != nil {
		return nil, err
	}
	for _, l := range languages {
		if l != x.lang {
			p.Switches = append(p.Switches, link{Href: x.self(l), Lang: l, Name: all[l]["language"]})
		}
	}
	p.Title, err = p.T(title, "organisation", p.Organisation)
	return p, err
}

// self answers this page in another language: what it is about stays.
func (x *exchange) self(lang string) string {
	q := url.Values{"lang": {lang}}
	if x.token != "" {
		q.Set("t", x.token)
	}
	if x.r.URL.Path == "/subscribe" {
		q.Set("channel", string(x.channel()))
	}
	return x.h.base + x.r.URL.EscapedPath() + "?" + q.Encode()
}

// channel answers the channel that a sign-up is for; where none is named, or
// one that is not on offer, the first on offer.
func (x *exchange) channel() incident.Channel {
	asked := x.form.Get("channel")
	if asked == "" {
		asked = x.r.URL.Query().Get("channel")
	}
	for _, c := range x.offer.Channels {
		if string(c) == asked {
			return c
		}
	}
	if len(x.offer.Channels) == 0 {
		return ""
	}
	return x.offer.Channels[0]
}

// show answers a page.
func (x *exchange) show(status int, p *page, err error) {
	var body []byte
	if err == nil {
		body, err = p.html()
	}
	if err != nil {
		x.broken(err)
		return
	}
	x.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	x.w.Header().Set("Content-Language", x.lang)
	x.w.Header().Add("Vary", "Accept-Language")
	x.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	x.w.WriteHeader(status)
	x.h.write(x.w, x.r, body)
}

// note answers a page that only says something, or the same to a program.
func (x *exchange) note(status int, name string, again bool) {
	x.noteText(status, name, name+"_text", again)
}

func (x *exchange) noteText(status int, name, text string, again bool, pairs ...string) {
	p, err := x.new("note", name+"_title")
	if err == nil {
		p.Again = again
		p.Text, err = p.T(text, pairs...)
	}
	if err == nil && x.json {
		x.problem(status, name, p.Title, p.Text, nil)
		return
	}
	x.show(status, p, err)
}

// fail answers an error of a use case.
func (x *exchange) fail(err error) {
	if limit, ok := errors.AsType[*subscribe.LimitError](err); ok {
		x.w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(limit.RetryAfter.Seconds()))))
		text, n := "limit_minutes", limit.RetryAfter.Minutes()
		if n > 90 {
			text, n = "limit_hours", limit.RetryAfter.Hours()
		}
		x.noteText(http.StatusTooManyRequests, "limit", text, false, "n", strconv.Itoa(int(math.Ceil(n))))
		return
	}
	switch {
	case errors.Is(err, subscribe.ErrLink):
		x.note(http.StatusBadRequest, "link", true)
	case errors.Is(err, subscribe.ErrLapsed):
		x.note(http.StatusGone, "lapsed", true)
	case errors.Is(err, subscribe.ErrClosed):
		x.note(http.StatusNotFound, "closed", false)
	default:
		x.logFailure(err)
		x.w.Header().Set("Retry-After", "60")
		x.note(http.StatusServiceUnavailable, "failed", false)
	}
}

// logFailure logs, once, what a reader is not told.
func (x *exchange) logFailure(err error) {
	x.h.log.ErrorContext(x.r.Context(), "sign-up request failed",
		slog.String("route", x.r.Method+" "+x.r.URL.Path), slog.Any("error", err))
}

// broken answers when not even a page can be made.
func (x *exchange) broken(err error) {
	x.logFailure(err)
	http.Error(x.w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
}
