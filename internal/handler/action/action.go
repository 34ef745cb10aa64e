package action

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"shirase/internal/announce"
	"shirase/internal/handler/web"
	"shirase/internal/incident"
	"shirase/internal/plan"
	"shirase/internal/token"
)

// maxForm bounds a posted form in bytes.
const maxForm = 64 << 10

// What a form asks for, as the value of its button.
const (
	doPublish = "publish"
	doEdit    = "edit"
	doDismiss = "dismiss"
	doAck     = "ack"
)

// Handler serves the page under /act/.
type Handler struct {
	Drafts Drafts
	Plans  Plans
	Tokens *token.Codec
	// Base is the configured public URL, which links begin with and forms must
	// come from.
	Base string
	Now  func() time.Time
	Log  *slog.Logger
}

var _ announce.Links = Links{}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	web.Secure(w.Header())
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Robots-Tag", "noindex, nofollow")
	v, err := h.visit(r)
	switch {
	case errors.Is(err, errLink):
		h.refuse(w, v, http.StatusNotFound, "unusable")
	case err != nil:
		h.fail(w, v, err)
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		v.show(w)
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", "GET, HEAD, POST")
		h.refuse(w, v, http.StatusMethodNotAllowed, "method")
	case web.CrossSite(r, h.Base):
		h.refuse(w, v, http.StatusForbidden, "cross_site")
	default:
		h.post(w, v)
	}
}

// errLink says that a link opens nothing. Why is nobody's business: it may be
// cut short, too old, made up, or its owner no longer a member.
var errLink = errors.New("the link opens nothing")

// A visit is one request of one member for one draft.
type visit struct {
	h      *Handler
	r      *http.Request
	locale incident.Locale
	token  string
	draft  announce.DraftID
	plan   *plan.Plan
	member plan.Member
	form   url.Values
}

// visit answers who asks for what. The visit it answers beside an error knows
// the language to say so in.
func (h *Handler) visit(r *http.Request) (visit, error) {
	v := visit{h: h, r: r, locale: web.Locale(r, plan.Locales())}
	tok, ok := strings.CutPrefix(r.URL.Path, prefix)
	if !ok {
		return v, errLink
	}
	claims, err := h.Tokens.Verify(Purpose, tok, h.Now())
	if err != nil || len(claims) != 2 {
		return v, errLink
	}
	v.token, v.draft = tok, announce.DraftID(claims[0])
	if v.plan, err = h.Plans.Current(r.Context()); err != nil {
		return v, err
	}
	if v.member, ok = v.plan.Member(plan.MemberID(claims[1])); !ok {
		return v, errLink
	}
	if slices.Contains(plan.Locales(), v.member.Locale) {
		v.locale = v.member.Locale
	}
	return v, nil
}

// self is the page's own path, which forms post to.
func (v visit) self() string { return v.under() + prefix + url.PathEscape(v.token) }

func (v visit) under() string { return web.Under(v.h.Base) }

func (v visit) show(w http.ResponseWriter) {
	p, err := v.page()
	if err != nil {
		v.h.failed(w, v, err)
		return
	}
	p.Notice = v.notice(p)
	v.write(w, http.StatusOK, p)
}

// notice answers what to say of the form that led here, if that is still so.
func (v visit) notice(p *page) string {
	done := v.r.URL.Query().Get("done")
	switch {
	case done == doPublish && p.Published, done == doDismiss && p.Dismissed, done == doEdit && p.Open, done == doAck && p.Acked:
		return "notice_" + done
	}
	return ""
}

// post does what a form asks for and leads back to the page.
func (h *Handler) post(w http.ResponseWriter, v visit) {
	var status int
	if v.form, status = readForm(w, v.r); status != 0 {
		why := "form"
		if status == http.StatusRequestEntityTooLarge {
			why = "too_large"
		}
		h.refuse(w, v, status, why)
		return
	}
	var err error
	do, ctx := v.form.Get("do"), v.r.Context()
	switch do {
	case doPublish:
		err = v.publish(v.form.Get("digest"))
	case doEdit:
		v.edit(w)
		return
	case doDismiss:
		_, err = h.Drafts.DismissDraft(ctx, v.draft, v.once())
	case doAck:
		_, err = h.Drafts.AckDraft(ctx, v.draft, announce.Actor{Name: string(v.member.ID)})
	default:
		h.refuse(w, v, http.StatusBadRequest, "form")
		return
	}
	if err != nil {
		h.failed(w, v, err)
		return
	}
	v.done(w, do)
}

// readForm answers what was posted, or the status to refuse it with.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, int) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, http.StatusBadRequest
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return nil, http.StatusRequestEntityTooLarge
		}
		return nil, http.StatusBadRequest
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, http.StatusBadRequest
	}
	return form, 0
}

// done leads back to the page, so that reloading it repeats nothing.
func (v visit) done(w http.ResponseWriter, do string) {
	w.Header().Set("Location", v.self()+"?done="+do)
	w.WriteHeader(http.StatusSeeOther)
}

// publish publishes the texts that were seen. Where the draft had to be
// rendered anew and came out just as it was seen, it is published all the same.
func (v visit) publish(digest string) error {
	ctx, who := v.r.Context(), announce.Actor{Name: string(v.member.ID)}
	_, err := v.h.Drafts.PublishDraft(ctx, v.draft, digest, who)
	if _, stale := errors.AsType[*announce.StaleError](err); !stale {
		return err
	}
	if dv, again := v.h.Drafts.Draft(ctx, v.draft); again != nil || dv.Stale || dv.Draft.Digest != digest {
		return err
	}
	_, err = v.h.Drafts.PublishDraft(ctx, v.draft, digest, who)
	return err
}

// once makes a form that is sent twice count once, and hold only for the
// version of the incident that its page showed.
func (v visit) once() announce.Actor {
	form := v.form.Encode()
	version, _ := strconv.Atoi(v.form.Get("version"))
	return announce.Actor{
		Name:    string(v.member.ID),
		IfMatch: max(version, 1), // a form without a version has seen nothing
		Once:    &announce.Once{Key: digest("act", string(v.draft), string(v.member.ID), form), Body: digest(form)},
	}
}

func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}

// failed answers an error of the use case, where it can with the page as it is
// now.
func (h *Handler) failed(w http.ResponseWriter, v visit, err error) {
	_, stale := errors.AsType[*announce.StaleError](err)
	blocked, isBlocked := errors.AsType[*announce.BlockedError](err)
	status, alert := http.StatusConflict, "alert_changed"
	switch {
	case errors.Is(err, incident.ErrNotFound):
		h.refuse(w, v, http.StatusNotFound, "unusable")
		return
	case stale:
		alert = "alert_stale"
	case isBlocked:
		status, alert = http.StatusUnprocessableEntity, "alert_blocked"
	case errors.Is(err, incident.ErrConflict), errors.Is(err, incident.ErrInvalid):
	default:
		h.fail(w, v, err)
		return
	}
	p, again := v.page()
	switch {
	case errors.Is(again, incident.ErrConflict), errors.Is(again, incident.ErrInvalid):
		h.refuse(w, v, http.StatusConflict, "unfit")
	case again != nil:
		h.fail(w, v, again)
	default:
		p.Alert = alert
		if isBlocked {
			p.block(blocked.Findings)
		}
		v.write(w, status, p)
	}
}

// fail answers what is our own fault, and logs it.
func (h *Handler) fail(w http.ResponseWriter, v visit, err error) {
	h.log(v, err)
	h.refuse(w, v, http.StatusInternalServerError, "internal")
}

func (h *Handler) log(v visit, err error) {
	if h.Log != nil {
		h.Log.ErrorContext(v.r.Context(), "draft page failed", "draft", string(v.draft), "error", err)
	}
}

// refuse answers a page that says only why there is none.
func (h *Handler) refuse(w http.ResponseWriter, v visit, status int, why string) {
	p := &page{Words: words(v.locale), Style: v.under() + web.Style(), Why: why}
	if status != http.StatusNotFound && v.token != "" {
		p.Self = v.self()
	}
	v.write(w, status, p)
}
