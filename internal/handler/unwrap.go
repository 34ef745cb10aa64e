package handler

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"shirase/internal/incident"
)

// maxWraps is how often an alarm may be wrapped: an SNS message in a failed
// invocation's record in a queue is the deepest that AWS makes.
const maxWraps = 4

// maxRecords bounds the records of an SNS event; AWS puts in one.
const maxRecords = 10

// A reading is one alarm of a body: a signal, or why there is none. Raw is what
// it was read from, without its wrapping.
type reading struct {
	raw    []byte
	signal incident.Signal
	why    error
}

// probe tells the shapes apart. Field names match whatever their case, so SNS
// events and SQS events are told apart by their records.
type probe struct {
	Records        []json.RawMessage `json:"Records"`
	Type           json.RawMessage   `json:"Type"`
	Message        json.RawMessage   `json:"Message"`
	RequestContext json.RawMessage   `json:"requestContext"`
	RequestPayload json.RawMessage   `json:"requestPayload"`
	DetailType     json.RawMessage   `json:"detail-type"`
	AlarmData      json.RawMessage   `json:"alarmData"`
	NewStateValue  json.RawMessage   `json:"NewStateValue"`
}

// readAlarms reads every alarm of a body, whatever it is wrapped in: an event
// of SNS, an SNS envelope, or the record that Lambda makes of an invocation it
// gave up.
func readAlarms(raw []byte, received time.Time) []reading { return readWrapped(raw, received, 0) }

func readWrapped(raw []byte, received time.Time, depth int) []reading {
	unreadable := func(why error) []reading { return []reading{{raw: cutBytes(raw, MaxBody), why: why}} }
	if len(raw) > MaxBody {
		return unreadable(errTooLong)
	}
	if depth > maxWraps {
		return unreadable(errNested)
	}
	var p probe
	if err := unmarshal(raw, &p); err != nil {
		return unreadable(err)
	}
	var w said
	var err error
	switch {
	case len(p.Records) > maxRecords:
		err = errShape
	case len(p.Records) > 0:
		var out []reading
		for _, r := range p.Records {
			out = append(out, readRecord(r, received, depth)...)
		}
		return out
	case present(p.RequestPayload) && present(p.RequestContext):
		return readWrapped(p.RequestPayload, received, depth+1)
	case present(p.Type):
		m, err := snsMessage(p)
		if err != nil {
			return unreadable(err)
		}
		return readWrapped(m, received, depth+1)
	case present(p.DetailType):
		w, err = decodeEvent(raw)
	case present(p.AlarmData):
		w, err = decodeAction(raw)
	case present(p.NewStateValue):
		w, err = decodeSNS(raw)
	default:
		err = errShape
	}
	if err != nil {
		return unreadable(err)
	}
	s, err := w.signal(received)
	if err != nil {
		return unreadable(err)
	}
	return []reading{{raw: raw, signal: s}}
}

// readRecord reads a record of an event that SNS hands to Lambda. Records of
// SQS have gone their own way before.
func readRecord(raw []byte, received time.Time, depth int) []reading {
	var r struct {
		SNS probe `json:"Sns"`
	}
	err := unmarshal(raw, &r)
	if err == nil {
		var m []byte
		if m, err = snsMessage(r.SNS); err == nil {
			return readWrapped(m, received, depth+1)
		}
	}
	return []reading{{raw: cutBytes(raw, MaxBody), why: err}}
}

// snsMessage answers the message of an SNS envelope. Its signature is not
// looked at and nothing it names is fetched: envelopes come only through a
// queue or a function whose policy lets this one topic in.
func snsMessage(p probe) ([]byte, error) {
	var kind, message string
	if present(p.Type) && json.Unmarshal(p.Type, &kind) != nil {
		return nil, errShape
	}
	switch kind {
	case "Notification":
	case "SubscriptionConfirmation", "UnsubscribeConfirmation":
		return nil, errSign
	default:
		return nil, errShape
	}
	if !present(p.Message) || json.Unmarshal(p.Message, &message) != nil {
		return nil, errShape
	}
	return []byte(message), nil
}

// unmarshal decodes and says why it cannot without echoing what it read, which
// the errors of encoding/json do.
func unmarshal(raw []byte, into any) error {
	err := json.Unmarshal(raw, into)
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("%w at byte %d", errJSON, e.Offset)
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && e.Field != "" {
		return fmt.Errorf("%w at %s", errType, e.Field) // the name is ours
	}
	return errShape
}
