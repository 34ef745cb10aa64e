package signup

import (
	"log/slog"
	"net/http"
	"slices"

	"shirase/internal/incident"
	"shirase/internal/subscribe"
)

func (h *handler) showSubscribe(x *exchange) {
	x.showForm(http.StatusOK, subscribe.Request{Channel: x.channel()}, nil, false)
}

// showForm shows the form of signing up, with what was entered and what is wrong.
func (x *exchange) showForm(status int, r subscribe.Request, faults []*subscribe.Fault, failed bool) {
	p, err := x.new("subscribe", "subscribe_title")
	if err != nil {
		x.broken(err)
		return
	}
	p.Channel, p.Address, p.Faults, p.Failed = r.Channel, r.Address.Reveal(), faults, failed
	p.fields()
	for _, c := range x.offer.Channels {
		name, err := p.T("channel_" + string(c))
		if err != nil {
			x.broken(err)
			return
		}
		if len(x.offer.Channels) > 1 {
			p.Channels = append(p.Channels, link{
				Href: p.Base + "/subscribe?channel=" + string(c) + "&lang=" + x.lang, Name: name, On: c == r.Channel,
			})
		}
	}
	x.show(status, p, p.offer(x.offer, r.Prefs, x.h.now()))
}

// prefs reads the choices of a form. More components than there are is no
// choice; one too many shows the fault.
func (x *exchange) prefs() subscribe.Prefs {
	w := subscribe.Prefs{Locale: incident.Locale(x.form.Get("locale")), Zone: x.form.Get("zone")}
	for _, c := range x.form["component"][:min(len(x.form["component"]), len(x.offer.Components)+1)] {
		w.Components = append(w.Components, incident.ComponentID(c))
	}
	return w
}

func (h *handler) subscribe(x *exchange) {
	if x.json {
		x.subscribeJSON()
		return
	}
	r := subscribe.Request{
		Channel: incident.Channel(x.form.Get("channel")), Address: incident.Address(x.form.Get("address")), Prefs: x.prefs(),
		Consent: x.words.consent(x.lang), Origin: x.origin(subscribe.HowPage),
	}
	if r.Channel == "" {
		r.Channel = x.channel()
	}
	next, err := h.service.SignUp(x.r.Context(), r)
	if faults := subscribe.Faults(err); len(faults) > 0 {
		if !slices.Contains(x.offer.Channels, r.Channel) {
			r.Channel = x.channel()
		}
		x.showForm(http.StatusUnprocessableEntity, r, faults, false)
		return
	}
	if err != nil {
		x.signUpFailed(r, err)
		return
	}
	x.sent(http.StatusOK, next, r.Address.Reveal(), nil)
}

// sent shows what somebody who signed up has to do now.
func (x *exchange) sent(status int, next subscribe.Next, address string, faults []*subscribe.Fault) {
	c := string(next.Channel)
	p, err := x.new("sent", "sent_title_"+c)
	if err != nil {
		x.broken(err)
		return
	}
	p.Channel, p.Address, p.Ref, p.Faults = next.Channel, address, next.Ref, faults
	p.SentText, p.SentHelp = "sent_"+c, "help_"+c
	x.show(status, p, nil)
}

func (h *handler) showConfirm(x *exchange) {
	v, err := h.service.Waiting(x.r.Context(), x.token)
	if err != nil {
		x.fail(err)
		return
	}
	if v.State == incident.Active {
		x.done(v)
		return
	}
	p, err := x.new("confirm", "confirm_title")
	if err == nil {
		p.Address = v.Masked
	}
	x.show(http.StatusOK, p, err)
}

func (h *handler) confirm(x *exchange) {
	from := x.origin(subscribe.HowPage)
	ref := x.form.Get("ref")
	if ref == "" {
		v, err := h.service.Confirm(x.r.Context(), x.token, from)
		if err != nil {
			x.fail(err)
			return
		}
		x.done(v)
		return
	}
	v, err := h.service.ConfirmCode(x.r.Context(), ref, x.form.Get("code"), from)
	if faults := subscribe.Faults(err); len(faults) > 0 {
		x.sent(http.StatusUnprocessableEntity, subscribe.Next{Channel: incident.SMS, Ref: ref}, "", faults)
		return
	}
	if err != nil {
		x.fail(err)
		return
	}
	x.done(v)
}

func (x *exchange) done(v subscribe.View) {
	p, err := x.new("done", "done_title")
	if err == nil {
		p.Address, p.Manage = v.Masked, v.Manage
	}
	x.show(http.StatusOK, p, err)
}

func (h *handler) showManage(x *exchange) {
	v, err := h.service.Preferences(x.r.Context(), x.token)
	if err != nil {
		x.fail(err)
		return
	}
	x.managed(http.StatusOK, v, nil, false)
}

func (h *handler) manage(x *exchange) {
	chosen := x.prefs()
	v, err := h.service.Change(x.r.Context(), x.token, chosen, x.origin(subscribe.HowPage))
	if faults := subscribe.Faults(err); len(faults) > 0 {
		v, err := h.service.Preferences(x.r.Context(), x.token)
		if err != nil {
			x.fail(err)
			return
		}
		v.Prefs = chosen
		x.managed(http.StatusUnprocessableEntity, v, faults, false)
		return
	}
	if err != nil {
		x.fail(err)
		return
	}
	x.managed(http.StatusOK, v, nil, true)
}

func (x *exchange) managed(status int, v subscribe.View, faults []*subscribe.Fault, saved bool) {
	p, err := x.new("manage", "manage_title")
	if err != nil {
		x.broken(err)
		return
	}
	p.Channel, p.Address, p.Unsubscribe, p.Faults, p.Saved = v.Channel, v.Masked, v.Unsubscribe, faults, saved
	x.show(status, p, p.offer(x.offer, v.Prefs, x.h.now()))
}

func (h *handler) showUnsubscribe(x *exchange) {
	v, err := h.service.Leaving(x.r.Context(), x.token)
	if err != nil {
		x.fail(err)
		return
	}
	if v.State != incident.Active && v.State != incident.Pending {
		x.note(http.StatusOK, "stopped", true)
		return
	}
	p, err := x.new("unsubscribe", "unsubscribe_title")
	if err == nil {
		p.Address = v.Masked
	}
	x.show(http.StatusOK, p, err)
}

// unsubscribe stops everything. A mail program that sends List-Unsubscribe=One-Click
// reads no page, so it gets none (RFC 8058, section 3.1).
func (h *handler) unsubscribe(x *exchange) {
	oneClick := x.form.Get("List-Unsubscribe") == "One-Click"
	how := subscribe.HowPage
	if oneClick {
		how = subscribe.HowOneClick
	}
	err := h.service.Unsubscribe(x.r.Context(), x.token, x.origin(how))
	switch {
	case err != nil:
		x.fail(err)
	case oneClick:
		x.w.WriteHeader(http.StatusOK)
	default:
		x.note(http.StatusOK, "stopped", true)
	}
}

// signUpFailed answers a sign-up that failed for a reason other than what was
// entered. Where it is our fault, the form comes back as it was filled in.
func (x *exchange) signUpFailed(r subscribe.Request, err error) {
	if known(err) {
		x.fail(err)
		return
	}
	x.h.log.ErrorContext(x.r.Context(), "sign-up failed", slog.Any("error", err))
	x.w.Header().Set("Retry-After", "60")
	x.showForm(http.StatusServiceUnavailable, r, nil, true)
}
