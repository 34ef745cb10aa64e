package handler

import (
	"strings"

	"shirase/internal/incident"
	"shirase/internal/subscribe"
)

// textEvent is an event of End User Messaging SMS, as far as it matters here.
// https://docs.aws.amazon.com/sms-voice/latest/userguide/configuration-sets-event-format.html
type textEvent struct {
	EventType   string            `json:"eventType"`
	Destination string            `json:"destinationPhoneNumber"`
	Description string            `json:"messageStatusDescription"`
	Context     map[string]string `json:"context"`
}

// textKinds are what its events mean. That a phone blocks all SMS, or is out of
// reach, counts against the number; what a carrier does, does not.
// https://docs.aws.amazon.com/sms-voice/latest/userguide/configuration-sets-event-types.html
var textKinds = map[string]subscribe.ReceiptKind{
	"TEXT_QUEUED":              subscribe.ReceiptDelayed,
	"TEXT_PENDING":             subscribe.ReceiptDelayed,
	"TEXT_SENT":                subscribe.ReceiptDelayed,
	"TEXT_SUCCESSFUL":          subscribe.ReceiptDelivered,
	"TEXT_DELIVERED":           subscribe.ReceiptDelivered,
	"TEXT_INVALID":             subscribe.ReceiptBounced,
	"TEXT_BLOCKED":             subscribe.ReceiptReturned,
	"TEXT_UNREACHABLE":         subscribe.ReceiptReturned,
	"TEXT_CARRIER_UNREACHABLE": subscribe.ReceiptLost,
	"TEXT_TTL_EXPIRED":         subscribe.ReceiptLost,
	"TEXT_UNKNOWN":             subscribe.ReceiptLost,
	"TEXT_CARRIER_BLOCKED":     subscribe.ReceiptRefused,
	"TEXT_INVALID_MESSAGE":     subscribe.ReceiptRefused,
	"TEXT_PROTECT_BLOCKED":     subscribe.ReceiptRefused,
	"TEXT_SPAM":                subscribe.ReceiptRefused,
}

func readTextEvent(body []byte) ([]subscribe.Receipt, error) {
	var e textEvent
	if err := unmarshal(body, &e); err != nil {
		return nil, err
	}
	kind, ok := textKinds[e.EventType]
	if !ok {
		return nil, errPhrase
	}
	// An opt-out has no event of its own: it is told in words beside another.
	if kind != subscribe.ReceiptDelivered && strings.Contains(strings.ToLower(e.Description), "opted out") {
		kind = subscribe.ReceiptOptedOut
	}
	about, to := tagged(func(name string) string { return e.Context[name] })
	if to == "" && e.Destination == "" {
		return nil, errNobody
	}
	r := subscribe.Receipt{Kind: kind, Channel: incident.SMS, Recipient: to, Incident: about}
	if to == "" {
		r.Address = incident.Address(e.Destination)
	}
	return []subscribe.Receipt{r}, nil
}

// reply is what a person wrote to a two-way number.
// https://docs.aws.amazon.com/sms-voice/latest/userguide/two-way-sms-payload.html
type reply struct {
	From    string `json:"originationNumber"`
	Body    string `json:"messageBody"`
	Keyword string `json:"messageKeyword"`
}

func readReply(body []byte) ([]subscribe.Receipt, error) {
	var m reply
	if err := unmarshal(body, &m); err != nil {
		return nil, err
	}
	return []subscribe.Receipt{{
		Kind: subscribe.ReceiptReplied, Channel: incident.SMS, Address: incident.Address(m.From), Reply: m.Body, Keyword: m.Keyword,
	}}, nil
}
