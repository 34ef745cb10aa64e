package ready

import (
	"context"
	"fmt"

	"shirase/internal/incident"
)

// sms looks at how SMS go out, and adds what an update takes.
func (l *looking) sms(ctx context.Context) {
	n := l.people[incident.SMS]
	e := Estimate{Channel: incident.SMS, Recipients: n, Costs: []Cost{}}
	m, err := l.SMS.SMS(ctx)
	switch {
	case err != nil:
		l.unread(ctx, "sms", err)
	case m.Provider == ProviderAWS:
		if m.Sandbox {
			l.add("sms.sandbox", l.walled(incident.SMS), "the account is in the SMS sandbox: messages reach verified numbers only",
				"leave the sandbox in the console of End User Messaging")
		} else {
			l.add("sms.sandbox", OK, "the account has left the SMS sandbox", "")
		}
		l.limit(m, n)
		e.Minutes = minutes(n, m.Rate)
		e.Note = "one part each; prices of other countries are not known here"
		if n > 0 {
			e.Costs = l.smsCosts(n)
		}
	case m.Provider == ProviderInbox:
		l.add("sms.provider", l.absent(n), "SMS stay in the inbox of this program, which has no provider for them", "deploy on AWS to send them")
		e.Note = "nothing is sent"
	default:
		l.add("sms.provider", l.missing(n), "nobody takes SMS here", "set up a provider, or take SMS out of the plan")
		e.Note = "nothing is sent"
	}
	if n > 0 {
		l.report.Update = append(l.report.Update, e)
	}
}

// limit compares the monthly limit with what one update costs at the lowest and
// the highest price that is known: in which countries the numbers are, nobody
// counts.
func (l *looking) limit(m SMSState, n int) {
	const ask = "ask for a higher SMS spend limit in the Service Quotas console, then raise it"
	least, most := smsPrices[len(smsPrices)-1], smsPrices[0]
	told := fmt.Sprintf("$%.2f may be spent in a month", m.Limit)
	switch {
	case !m.Known:
		l.add("sms.spend_limit", Warn, "AWS did not say how much may be spent in a month", "look at the SMS spend limit in the console")
	case m.Limit < least.price.of(n):
		l.add("sms.spend_limit", Fail, fmt.Sprintf("%s; one update costs $%.2f at the lowest price known here, that of %s, and beyond the limit nothing is sent",
			told, least.price.of(n), least.country), ask)
	case m.Limit < most.price.of(n):
		l.add("sms.spend_limit", Warn, fmt.Sprintf("%s; one update costs $%.2f where all numbers are in %s", told, most.price.of(n), most.country), ask)
	default:
		l.add("sms.spend_limit", OK, told, "")
	}
}

func (l *looking) smsCosts(n int) []Cost {
	var out []Cost
	for _, s := range smsPrices {
		l.priced(s.price)
		out = append(out, Cost{USD: s.price.of(n), If: "all numbers are in " + s.country})
	}
	return out
}
