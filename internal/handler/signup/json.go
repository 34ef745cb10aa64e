package signup

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"shirase/internal/incident"
	"shirase/internal/subscribe"
)

// signUpJSON is a sign-up as a program sends it.
type signUpJSON struct {
	Channel    string   `json:"channel"`
	Address    string   `json:"address"`
	Locale     string   `json:"locale"`
	Zone       string   `json:"zone"`
	Components []string `json:"components"`
}

// acceptedJSON is the answer to it, the same for every address.
type acceptedJSON struct {
	Status  string `json:"status"`
	Channel string `json:"channel"`
	// Ref goes with the code of an SMS, in a POST to /confirm.
	Ref string `json:"ref,omitempty"`
}

// problemJSON is a fault as RFC 9457 has it.
type problemJSON struct {
	Type   string      `json:"type"`
	Title  string      `json:"title"`
	Status int         `json:"status"`
	Detail string      `json:"detail"`
	Errors []faultJSON `json:"errors,omitempty"`
}

type faultJSON struct {
	Pointer string `json:"pointer"`
	Code    string `json:"code"`
	Detail  string `json:"detail"`
}

func (x *exchange) subscribeJSON() {
	var in signUpJSON
	dec := json.NewDecoder(x.r.Body)
	dec.DisallowUnknownFields()
	err := dec.Decode(&in)
	if err == nil {
		_, err = dec.Token()
		if errors.Is(err, io.EOF) {
			err = nil
		} else if err == nil {
			err = errors.New("more than one value")
		}
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		x.note(http.StatusRequestEntityTooLarge, "large", false)
		return
	}
	if err != nil {
		x.note(http.StatusBadRequest, "form", false)
		return
	}
	r := subscribe.Request{
		Channel: incident.Channel(in.Channel), Address: incident.Address(in.Address),
		Prefs:   subscribe.Prefs{Locale: incident.Locale(in.Locale), Zone: in.Zone},
		Consent: x.words.consent(x.lang), Origin: x.origin(subscribe.HowJSON),
	}
	for _, c := range in.Components[:min(len(in.Components), len(x.offer.Components)+1)] {
		r.Prefs.Components = append(r.Prefs.Components, incident.ComponentID(c))
	}
	next, err := x.h.service.SignUp(x.r.Context(), r)
	if faults := subscribe.Faults(err); len(faults) > 0 {
		title, err := x.words.say("faults_title")
		if err != nil {
			x.broken(err)
			return
		}
		x.problem(http.StatusUnprocessableEntity, "faults", title, title, faults)
		return
	}
	if err != nil {
		x.fail(err)
		return
	}
	x.encode(http.StatusAccepted, "application/json", acceptedJSON{"pending", string(next.Channel), next.Ref})
}

func (x *exchange) problem(status int, kind, title, detail string, faults []*subscribe.Fault) {
	p := problemJSON{Type: "urn:shirase:problem:" + kind, Title: title, Status: status, Detail: detail}
	for _, f := range faults {
		text, err := x.words.say("fault_" + string(f.Code))
		if err != nil {
			x.broken(err)
			return
		}
		p.Errors = append(p.Errors, faultJSON{"/" + strings.ReplaceAll(f.Field, ".", "/"), string(f.Code), text})
	}
	x.encode(status, "application/problem+json", p)
}

func (x *exchange) encode(status int, kind string, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		x.broken(err)
		return
	}
	x.w.Header().Set("Content-Type", kind)
	x.w.Header().Set("Content-Language", x.lang)
	x.w.WriteHeader(status)
	x.h.write(x.w, x.r, append(b, '\n'))
}

// known reports whether an error of a sign-up has an answer of its own.
func known(err error) bool {
	if _, ok := errors.AsType[*subscribe.LimitError](err); ok {
		return true
	}
	return errors.Is(err, subscribe.ErrClosed) || errors.Is(err, subscribe.ErrLink) || errors.Is(err, subscribe.ErrLapsed)
}
