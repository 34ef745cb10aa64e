package ready

import (
	"context"
	"fmt"

	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// updates is how many updates an outage takes: found, identified, watched,
// resolved.
const updates = 4

// mail looks at how mail goes out, and adds what an update takes.
func (l *looking) mail(ctx context.Context) {
	from := l.plan.Organisation.From
	m, err := l.Mail.Mail(ctx, incident.Address(from))
	n := l.people[incident.Email]
	if err != nil {
		l.unread(ctx, "mail", err)
		if n > 0 {
			l.report.Update = append(l.report.Update, Estimate{Channel: incident.Email, Recipients: n, Costs: []Cost{}})
		}
		return
	}
	if from == "" && m.Provider != ProviderInbox && m.Provider != ProviderNone {
		l.add("mail.from", Fail, "the plan names no address that mail comes from", "set organisation.from in the plan")
	}
	e := Estimate{Channel: incident.Email, Recipients: n, Costs: []Cost{}}
	switch m.Provider {
	case ProviderAWS:
		l.account(m, n)
		if from != "" {
			l.identity(m)
		}
		l.events(m)
		// A part of the rate is kept for those who sign up meanwhile.
		e.Minutes = minutes(n, m.Rate*(1-deliver.KeptForConfirmations))
		e.Costs = l.mailCosts(m, n)
	case ProviderRelay:
		l.add("mail.provider", OK, "a mail relay; its limits are not known here", "")
		e.Note = "rate and price are the relay's"
	case ProviderInbox:
		l.add("mail.provider", l.absent(n), "mail stays in the inbox of this program", "name a relay: -smtp")
		e.Note = "nothing is sent"
	case ProviderNone:
		l.add("mail.provider", l.missing(n), "nobody takes mail here", "set up a provider")
		e.Note = "nothing is sent"
	}
	if n > 0 {
		l.report.Update = append(l.report.Update, e)
	}
}

// absent is the state of a provider that keeps what is sent to itself.
func (*looking) absent(n int) State {
	if n > 0 {
		return Warn
	}
	return OK
}

// missing is the state of a provider that is not there.
func (*looking) missing(n int) State {
	if n > 0 {
		return Fail
	}
	return OK
}

// walled is the state of a sandbox: those of the plan may be verified one by one,
// readers may not.
func (l *looking) walled(c incident.Channel) State {
	if l.readers[c] > 0 {
		return Fail
	}
	return Warn
}

func (l *looking) account(m MailState, n int) {
	if m.Sandbox {
		l.add("mail.sandbox", l.walled(incident.Email), "the account is in the SES sandbox: mail reaches verified addresses only",
			"ask for production access in the SES console")
	} else {
		l.add("mail.sandbox", OK, "the account has production access", "")
	}
	switch {
	case !m.Enabled || m.Standing == "SHUTDOWN":
		l.add("mail.sending", Fail, "SES has paused sending for this account", "read what SES wrote to the account's owner, and answer it")
	case m.Standing == "PROBATION":
		l.add("mail.sending", Warn, "SES has put this account on probation", "find out why so much bounces or is complained of")
	default:
		l.add("mail.sending", OK, fmt.Sprintf("allowed, %g recipients a second", m.Rate), "")
	}
	const ask = "ask for a higher sending quota in the SES console"
	left := m.Quota - m.Used
	told := fmt.Sprintf("%.0f of %.0f recipients are left for these 24 hours; an update takes %d", max(left, 0), m.Quota, n)
	switch {
	case m.Quota < 0:
		l.add("mail.quota", OK, "no limit in 24 hours", "")
	case left < float64(n):
		l.add("mail.quota", Fail, told, ask)
	case left < float64(updates*n):
		l.add("mail.quota", Warn, told+fmt.Sprintf(", and an outage about %d", updates), ask)
	default:
		l.add("mail.quota", OK, told, "")
	}
}

func (l *looking) identity(m MailState) {
	if !m.Verified {
		l.add("mail.identity", Fail, "SES has not verified the address that mail comes from, nor its domain", "verify the domain in the SES console, in this region")
		return
	}
	l.add("mail.identity", OK, "the address that mail comes from is verified", "")
	if m.Signed {
		l.add("mail.dkim", OK, "mail is signed by DKIM", "")
		return
	}
	detail := "mail is not signed by DKIM; large mailbox providers then turn it away"
	if m.Signing != "" {
		detail += " (" + m.Signing + ")"
	}
	l.add("mail.dkim", Warn, detail, "put the three CNAME records of SES into the domain's DNS")
}

func (l *looking) events(m MailState) {
	switch m.Events {
	case EventsOn:
		l.add("mail.events", OK, "bounces and complaints come back", "")
	case EventsMissing:
		l.add("mail.events", Fail, "the configuration set is not there, so SES refuses every mail", "deploy the stack again")
	case EventsStopped:
		l.add("mail.events", Fail, "the configuration set lets no mail through", "allow sending for it in the SES console")
	default:
		l.add("mail.events", Warn, "no configuration set is named: bounces and complaints do not come back", "deploy the stack with one")
	}
}

// mailCosts answers what mail to n costs by the account's pricing plan; where
// that is not known, by both that an account may have without having chosen.
func (l *looking) mailCosts(m MailState, n int) []Cost {
	if p, ok := mailPrices[m.Plan]; ok {
		l.priced(p)
		return []Cost{{USD: p.of(n)}}
	}
	if m.Plan != "" {
		return []Cost{}
	}
	none, essentials := mailPrices["NONE"], mailPrices["ESSENTIALS"]
	l.priced(none, essentials)
	return []Cost{
		{USD: none.of(n), If: "the account has no pricing plan"},
		{USD: essentials.of(n), If: "the account has the Essentials plan, as new ones do"},
	}
}
