package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"shirase/internal/incident"
	"shirase/internal/subscribe"
)

// reader picks one of those who were readers at the beginning.
func (d doing) reader() (incident.Subscriber, bool) {
	e := d.people[d.rng.IntN(len(d.people))]
	r, err := d.book.Load(bg, subscribe.Key{Audience: e.Audience, Channel: e.Channel, ID: d.rig.hash(e.Channel, e.Address)})
	return r.Subscriber, err == nil
}

// leave ends a subscription by the link that stands in every mail.
func (d doing) leave() string {
	s, ok := d.reader()
	if !ok || s.State != incident.Active {
		return ""
	}
	link := strings.TrimPrefix(d.rig.readers.Unsubscribe(s), publicURL)
	d.request(call{function: "signup", method: http.MethodPost, path: link, body: "List-Unsubscribe=One-Click", form: true, key: "once", leaves: recipient{s.Channel, s.ID}}, nil)
	return fmt.Sprintf("%s unsubscribes from %s", short(s.ID), s.Channel)
}

// complain is what a receipt does: the address is not sent to any more.
func (d doing) complain() string {
	s, ok := d.reader()
	if !ok || s.State != incident.Active {
		return ""
	}
	if err := d.rig.subscribe.Suppress(bg, s.Channel, s.ID, subscribe.Complained); err != nil {
		panic(err)
	}
	delete(d.late, recipient{s.Channel, s.ID}) // who confirmed before is not to be told any more
	d.rare("suppressed")
	return fmt.Sprintf("%s complains of %s", short(s.ID), s.Channel)
}

// join signs somebody up; the confirmation is answered when it arrives.
func (d doing) join() string {
	c := incident.Email
	if slices.Contains(d.setup.channels, incident.Webhook) && d.rng.IntN(2) == 0 {
		c = incident.Webhook
	}
	a := address(c, 60+d.rng.IntN(3))
	body := encode(map[string]any{"channel": c, "address": a.Reveal(), "locale": "en"})
	d.request(call{function: "signup", method: http.MethodPost, path: "/subscribe", body: body, key: "once"}, nil)
	return fmt.Sprintf("%s signs up for %s", short(d.rig.hash(c, a)), c)
}

// confirm answers a confirmation mail a while later.
func (w *world) confirm(link string) {
	w.do(w.now.Add(time.Duration(5+w.rng.IntN(600))*time.Second), func(d doing) string {
		d.request(call{function: "signup", method: http.MethodPost, path: strings.TrimPrefix(link, publicURL), form: true, key: "once"}, nil)
		return "somebody confirms"
	})
}

// choose changes what a reader wants to hear of.
func (d doing) choose() string {
	s, ok := d.reader()
	if !ok || s.State != incident.Active {
		return ""
	}
	form := url.Values{"locale": {"en"}, "component": {string(components[d.rng.IntN(len(components))])}}
	link := strings.TrimPrefix(d.rig.readers.Manage(s, d.now), publicURL)
	d.request(call{function: "signup", method: http.MethodPost, path: link, body: form.Encode(), form: true, key: "once"}, nil)
	d.rare("filter changed")
	return fmt.Sprintf("%s chooses %s", short(s.ID), form.Get("component"))
}
