package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"shirase/internal/incident"
)

// follower is a reader.
type follower struct {
	channel    incident.Channel
	address    string
	audience   incident.Audience
	components []incident.ComponentID
	// confirmed is when they became a reader, zero while they are not.
	confirmed time.Time
	// left is when their leaving was answered, under which process.
	left   time.Time
	leftIn int
}

// signUp has somebody ask for updates.
func (d *driver) signUp(rng *rand.Rand) *call {
	n := len(d.people)
	if n >= len(sampleReaders())+maxSignUps {
		return nil
	}
	p := &follower{channel: incident.Email, address: fmt.Sprintf("reader-%d@reader.test", n), audience: incident.Customers}
	var about []string
	if rng.IntN(2) == 0 {
		about, p.components = []string{"checkout"}, []incident.ComponentID{"checkout"}
	}
	c := &call{
		method: http.MethodPost, path: "/subscribe", kind: "application/x-www-form-urlencoded", from: fmt.Sprintf("192.0.2.%d", n+1),
		body: person("email", p.address, []string{"ja", "en"}[rng.IntN(2)], "", about...).Encode(),
	}
	c.then = func([]byte) { d.people = append(d.people, p) }
	return c
}

// confirm has somebody who signed up press the button.
func (d *driver) confirm() *call {
	es := d.inbox()
	for _, p := range d.people {
		mails := received(es, p.address, "confirmation")
		if !p.confirmed.IsZero() || len(mails) == 0 {
			continue
		}
		return &call{
			method: http.MethodPost, path: confirmation(d.t, es, p.address), kind: "application/x-www-form-urlencoded",
			then: func([]byte) { p.confirmed = time.Now() },
		}
	}
	return nil
}

// leave has a reader of mails press the button that every mail has.
func (d *driver) leave(rng *rand.Rand) *call {
	left := 0
	var able []*follower
	for _, p := range d.people {
		if !p.left.IsZero() {
			left++
		} else if p.channel == incident.Email && !p.confirmed.IsZero() {
			able = append(able, p)
		}
	}
	if left >= maxLeaves || len(able) < 3 {
		return nil
	}
	p := able[rng.IntN(len(able))]
	got := received(d.inbox(), p.address, "update")
	if len(got) == 0 {
		return nil
	}
	return &call{
		method: http.MethodPost, path: unsubscribeLink.FindString(got[0].Headers["List-Unsubscribe"]), kind: "application/x-www-form-urlencoded",
		body: url.Values{"List-Unsubscribe": {"One-Click"}}.Encode(),
		then: func([]byte) { p.left, p.leftIn = time.Now(), len(d.began)-1 },
	}
}
