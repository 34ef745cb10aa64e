package handler

import (
	"strings"

	"shirase/internal/incident"
	"shirase/internal/subscribe"
)

// mailEvent is an event of SES, as far as it matters here. It is named eventType
// where a configuration set publishes it, notificationType where an identity
// does; those carry no tags.
// https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
// https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html
type mailEvent struct {
	EventType        string `json:"eventType"`
	NotificationType string `json:"notificationType"`
	Mail             struct {
		Destination []string            `json:"destination"`
		Tags        map[string][]string `json:"tags"`
	} `json:"mail"`
	Bounce struct {
		Type       string          `json:"bounceType"`
		SubType    string          `json:"bounceSubType"`
		Recipients []mailRecipient `json:"bouncedRecipients"`
	} `json:"bounce"`
	Complaint struct {
		FeedbackType string          `json:"complaintFeedbackType"`
		Recipients   []mailRecipient `json:"complainedRecipients"`
	} `json:"complaint"`
	Delivery struct {
		Recipients []string `json:"recipients"`
	} `json:"delivery"`
	Delay struct {
		Recipients []mailRecipient `json:"delayedRecipients"`
	} `json:"deliveryDelay"`
}

type mailRecipient struct {
	Address string `json:"emailAddress"`
	// Action is what a delivery status notification says (RFC 3464); it is not
	// there where none was attached.
	Action string `json:"action"`
}

// maxTold is how many recipients of one mail are looked at. Ours have one each,
// and SES allows 50.
const maxTold = 50

func readMailEvent(body []byte) ([]subscribe.Receipt, error) {
	var e mailEvent
	if err := unmarshal(body, &e); err != nil {
		return nil, err
	}
	name := e.EventType
	if name == "" {
		name = e.NotificationType
	}
	if name == "Send" || name == "Open" || name == "Click" {
		return nil, nil // nothing that we did not know, or want to
	}
	kind, to, ok := e.kind(name)
	if !ok {
		return nil, errPhrase
	}
	about, id := tagged(func(name string) string {
		if vs := e.Mail.Tags[name]; len(vs) == 1 {
			return vs[0]
		}
		return ""
	})
	r := subscribe.Receipt{Kind: kind, Channel: incident.Email, Recipient: id, Incident: about}
	if id != "" || kind == subscribe.ReceiptRefused {
		return []subscribe.Receipt{r}, nil
	}
	if len(to) == 0 {
		for _, a := range e.Mail.Destination {
			to = append(to, mailRecipient{Address: a})
		}
	}
	if len(to) == 0 || len(to) > maxTold {
		return nil, errNobody
	}
	out := make([]subscribe.Receipt, len(to))
	for n, m := range to {
		out[n] = r
		out[n].Address = incident.Address(bare(m.Address))
	}
	return out, nil
}

// kind answers what an event means, and for whom.
func (e mailEvent) kind(name string) (k subscribe.ReceiptKind, to []mailRecipient, ok bool) {
	switch name {
	case "Bounce":
		k, ok = e.bounce()
		return k, e.Bounce.Recipients, ok
	case "Complaint":
		return e.complaint(), e.Complaint.Recipients, true
	case "Reject", "Rendering Failure":
		return subscribe.ReceiptRefused, nil, true // SES itself would not send it
	case "DeliveryDelay":
		return subscribe.ReceiptDelayed, e.Delay.Recipients, true
	case "Delivery":
		for _, a := range e.Delivery.Recipients {
			to = append(to, mailRecipient{Address: a})
		}
		return subscribe.ReceiptDelivered, to, true
	}
	return "", nil, false
}

// bounce tells what is wrong with the address from what is wrong with this mail.
//
// A transient general bounce without a delivery status may be the answer of
// somebody on holiday, which SES reports the same way; only one that says failed
// counts against the address.
// https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html#bounce-types
func (e mailEvent) bounce() (subscribe.ReceiptKind, bool) {
	switch e.Bounce.Type {
	case "Permanent":
		if e.Bounce.SubType == "UnsubscribedRecipient" {
			return subscribe.ReceiptOptedOut, true
		}
		return subscribe.ReceiptBounced, true
	case "Undetermined":
		return subscribe.ReceiptReturned, true
	case "Transient":
	default:
		return "", false
	}
	switch e.Bounce.SubType {
	case "MessageTooLarge", "ContentRejected", "AttachmentRejected", "CustomTimeoutExceeded":
		return subscribe.ReceiptLost, true
	case "General", "":
		for _, r := range e.Bounce.Recipients {
			if r.Action == "failed" {
				return subscribe.ReceiptReturned, true
			}
		}
		return subscribe.ReceiptDelayed, true
	}
	return subscribe.ReceiptReturned, true // MailboxFull, and what there may be later
}

// complaint tells a reader's wish from a report of another kind: that it was no
// spam after all, or that a signature did not fit (RFC 5965, section 7.3).
func (e mailEvent) complaint() subscribe.ReceiptKind {
	switch e.Complaint.FeedbackType {
	case "not-spam":
		return subscribe.ReceiptDelivered
	case "auth-failure":
		return subscribe.ReceiptLost
	}
	return subscribe.ReceiptComplained
}

// bare takes an address out of the name and brackets that it may stand in.
func bare(s string) string {
	if _, rest, ok := strings.Cut(s, "<"); ok {
		s, _, _ = strings.Cut(rest, ">")
	}
	return strings.TrimSpace(s)
}
