package handler_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"shirase/internal/aws/mail"
	"shirase/internal/deliver"
	"shirase/internal/handler"
	"shirase/internal/incident"
	"shirase/internal/subscribe"
)

// desk records the receipts it is given, in one line each, and answers an effect.
type desk struct {
	lines  []string
	taken  []subscribe.Receipt
	effect subscribe.Effect
	fail   func(subscribe.Receipt) error
}

func (d *desk) Receive(_ context.Context, r subscribe.Receipt) (subscribe.Effect, error) {
	d.taken = append(d.taken, r)
	var line strings.Builder
	fmt.Fprintf(&line, "%s %s", r.Kind, r.Channel)
	for _, more := range []string{string(r.Recipient), r.Address.Reveal(), string(r.Incident), r.Reply} {
		if more != "" {
			line.WriteString(" " + more)
		}
	}
	d.lines = append(d.lines, line.String())
	if d.fail != nil {
		return "", d.fail(r)
	}
	return d.effect, nil
}

func receipt() (handler.Receipt, *desk, *hidden, *lot) {
	q, v, p := queue()
	d := &desk{}
	return handler.Receipt{Queue: q, Receipts: d}, d, v, p
}

// What the samples name.
const (
	reader = "db77fd01af957221a4989b64b3770a83"
	phone  = "0c52b1a9e8d7465f93a2b1c0d9e8f7a6"
	about  = "01K36Q9M5S7W3Z8N4C2R6T1Y0B"
)

func TestReceiptSamples(t *testing.T) {
	t.Parallel()
	byMail := func(kind string) []string { return []string{kind + " email " + reader + " " + about} }
	bySMS := func(kind string) []string { return []string{kind + " sms " + phone + " " + about} }
	want := map[string][]string{
		"bounce-permanent": byMail("bounced"), "bounce-permanent-envelope": byMail("bounced"), "bounce-suppressed": byMail("bounced"),
		"bounce-unsubscribed": byMail("opted_out"), "bounce-mailbox-full": byMail("returned"), "bounce-general": byMail("returned"),
		"bounce-undetermined": byMail("returned"), "bounce-auto-reply": byMail("delayed"), "bounce-content": byMail("lost"),
		"bounce-notification": {"bounced email Sato@READER.example"},
		"complaint":           byMail("complained"), "complaint-bare": byMail("complained"), "complaint-not-spam": byMail("delivered"),
		"complaint-auth-failure": byMail("lost"), "reject": byMail("refused"), "rendering-failure": byMail("refused"),
		"delivery-delay": byMail("delayed"), "delivery": byMail("delivered"), "send": nil, "validated": nil,
		"sms-delivered": bySMS("delivered"), "sms-successful": bySMS("delivered"), "sms-queued": bySMS("delayed"),
		"sms-invalid": bySMS("bounced"), "sms-blocked": bySMS("returned"), "sms-unreachable": bySMS("returned"),
		"sms-unreachable-untagged": {"returned sms +447700900123"}, "sms-opted-out": bySMS("opted_out"),
		"sms-carrier-unreachable": bySMS("lost"), "sms-expired": bySMS("lost"), "sms-unknown": bySMS("lost"),
		"sms-carrier-blocked": bySMS("refused"), "sms-spam": bySMS("refused"), "sms-invalid-message": bySMS("refused"),
		"sms-protect-blocked": bySMS("refused"),
		"sms-stop":            {"replied sms +447700900123 Stop please"}, "sms-stop-ja": {"replied sms +447700900123 配信停止してください"},
		"sms-stop-es": {"replied sms +447700900123 No mas mensajes"}, "sms-reply": {"replied sms +447700900123 When will it work again?"},
		"batch": {
			"bounced email " + reader + " " + about, "complained email " + reader + " " + about, "replied sms +447700900123 STOP",
		},
	}
	got := map[string][]string{}
	for name, raw := range samples(t, eventsRoot+"/receipt") {
		h, d, _, p := receipt()
		answer, err := h.Handle(t.Context(), raw)
		if err != nil {
			t.Errorf("Handle(%s) = %v, want no error", name, err)
			continue
		}
		if ids := failedIDs(t, answer); len(ids) > 0 {
			t.Errorf("Handle(%s) failed %v, want none", name, ids)
		}
		if n := len(p.bodies); (n > 0) != (name == "batch.json") {
			t.Errorf("Handle(%s) parked %d: %v", name, n, p.whys)
		}
		got[strings.TrimSuffix(path.Base(name), ".json")] = d.lines
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("receipts (-want +got):\n%s", d)
	}
}

func TestWhatIsNoReceiptIsParkedWithoutAddresses(t *testing.T) {
	t.Parallel()
	h, _, _, p := receipt()
	if _, err := h.Handle(t.Context(), sample(t, "receipt/batch.json")); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{
		"a receipt of a kind that is not known here: invalid",
		"broken JSON at byte 66: invalid",
		"an SNS subscription to confirm, which is never followed; confirm it by hand if it is yours: invalid",
		"a receipt that names no recipient: invalid",
	}, p.whys); d != "" {
		t.Errorf("reasons (-want +got):\n%s", d)
	}
	for _, body := range p.bodies {
		if strings.Contains(body, "reader.example") || strings.Contains(body, "447700900") {
			t.Errorf("parked with an address: %s", body)
		}
	}
	if !strings.Contains(strings.Join(p.bodies, ""), "[address]") || !strings.Contains(strings.Join(p.bodies, ""), "[number]") {
		t.Errorf("parked %q, want masks where addresses were", p.bodies)
	}
}

// TestAReceiptFindsWhatASenderTagged hands on the tags that the sender of mail
// writes.
func TestAReceiptFindsWhatASenderTagged(t *testing.T) {
	t.Parallel()
	e := deliver.Envelope{
		Kind: deliver.KindUpdate, Incident: "drill-4r3a7t", Seq: 2, Channel: incident.Email, Key: "k",
		Recipient: incident.NewRecipientID([]byte("key"), incident.Email, "sato@reader.example"),
	}
	tags := map[string][]string{"ses:configuration-set": {"shirase"}}
	for _, tag := range mail.Tags(e) {
		tags[*tag.Name] = append(tags[*tag.Name], *tag.Value)
	}
	body, err := json.Marshal(map[string]any{
		"eventType": "Bounce", "bounce": map[string]any{"bounceType": "Permanent"}, "mail": map[string]any{"tags": tags},
	})
	if err != nil {
		t.Fatal(err)
	}
	h, d, _, _ := receipt()
	if _, err := h.Handle(t.Context(), batchOf(t, message("1", string(body)))); err != nil {
		t.Fatal(err)
	}
	want := []subscribe.Receipt{{Kind: subscribe.ReceiptBounced, Channel: incident.Email, Recipient: e.Recipient, Incident: e.Incident}}
	if diff := cmp.Diff(want, d.taken); diff != "" {
		t.Errorf("receipt (-want +got):\n%s", diff)
	}
}

func TestAForeignTagNamesNobody(t *testing.T) {
	t.Parallel()
	for _, tags := range []string{
		`{}`, `{"recipient":[]}`, `{"recipient":["a","b"]}`, `{"recipient":["short"]}`, `{"recipient":["` + strings.Repeat("#", 32) + `"]}`,
	} {
		h, d, _, _ := receipt()
		body := `{"eventType":"Bounce","bounce":{"bounceType":"Permanent"},"mail":{"destination":["sato@reader.example"],"tags":` + tags + `}}`
		if _, err := h.Handle(t.Context(), batchOf(t, message("1", body))); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"bounced email sato@reader.example"}, d.lines); diff != "" {
			t.Errorf("with the tags %s (-want +got):\n%s", tags, diff)
		}
	}
}

func TestReceiptsThatFail(t *testing.T) {
	t.Parallel()
	h, d, _, p := receipt()
	d.fail = func(r subscribe.Receipt) error {
		if r.Kind == subscribe.ReceiptBounced {
			return errors.New("store away")
		}
		if r.Kind == subscribe.ReceiptReplied {
			return incident.Invalid("address", "must be a phone number")
		}
		return nil
	}
	answer, err := h.Handle(t.Context(), batchOf(t,
		message("1", `{"eventType":"TEXT_INVALID","destinationPhoneNumber":"+447700900123"}`),
		message("2", `{"originationNumber":"Corp +44 7700 900123","messageBody":"STOP","inboundMessageId":"x"}`),
		message("3", `{"eventType":"TEXT_DELIVERED","destinationPhoneNumber":"+447700900123"}`),
	))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"1"}, failedIDs(t, answer)); d != "" {
		t.Errorf("failed (-want +got):\n%s", d)
	}
	if len(p.bodies) != 1 || strings.Contains(p.bodies[0], "7700") || !strings.Contains(p.whys[0], "must be a phone number") {
		t.Errorf("parked %q because of %q, want the second, masked", p.bodies, p.whys)
	}
}

func TestReceiptsAreCountedInTheSummary(t *testing.T) {
	t.Parallel()
	h, d, _, _ := receipt()
	d.effect = subscribe.EffectSuppressed
	var log bytes.Buffer
	h.Log = slog.New(slog.NewJSONHandler(&log, nil))
	if _, err := h.Handle(t.Context(), sample(t, "receipt/batch.json")); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	var got map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &got); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{
		"msg": "invocation done", "function": "receipt", "records": 7.0, "parked": 4.0, "failed": 0.0,
		"bounced": 1.0, "complained": 1.0, "replied": 1.0, "suppressed": 3.0,
	} {
		if got[key] != want {
			t.Errorf("summary, %s = %v, want %v", key, got[key], want)
		}
	}
	if strings.Contains(log.String(), "reader.example") || strings.Contains(log.String(), "7700900") {
		t.Errorf("the log holds an address: %s", log.String())
	}
}

func TestReceiptOfNoQueue(t *testing.T) {
	t.Parallel()
	h, d, _, _ := receipt()
	if _, err := h.Handle(t.Context(), json.RawMessage(`{"eventType":"Bounce"}`)); !errors.Is(err, incident.ErrInvalid) || len(d.taken) > 0 {
		t.Errorf("Handle(no batch) = %v, want ErrInvalid", err)
	}
}

func FuzzReceipt(f *testing.F) {
	for _, raw := range samples(f, eventsRoot+"/receipt") {
		var e events.SQSEvent
		if err := json.Unmarshal(raw, &e); err != nil {
			f.Fatal(err)
		}
		for _, r := range e.Records {
			f.Add(r.Body)
		}
	}
	f.Fuzz(func(t *testing.T, body string) {
		h, d, _, p := receipt()
		answer, err := h.Handle(t.Context(), batchOf(t, message("1", body)))
		if err != nil {
			t.Fatalf("Handle = %v, want no error", err)
		}
		if ids := failedIDs(t, answer); len(ids) > 0 {
			t.Errorf("Handle failed %v, want it taken or parked", ids)
		}
		if len(p.bodies) > 1 || len(p.bodies) == 1 && len(d.taken) > 0 {
			t.Errorf("%d receipts taken and %d bodies parked, want one or the other", len(d.taken), len(p.bodies))
		}
		for _, why := range p.whys {
			if len(why) > 200 || strings.Contains(why, "@") {
				t.Errorf("parked because of %q, want a short sentence of ours", why)
			}
		}
		for _, r := range d.taken {
			if r.Channel != incident.Email && r.Channel != incident.SMS || r.Kind == "" || len(r.Recipient) != 0 && len(r.Recipient) != 32 || len(r.Incident) > 256 {
				t.Errorf("receipt %+v, want a channel, a kind and bounded names", r)
			}
		}
		if len(d.taken) > 50 {
			t.Errorf("%d receipts of one message, want 50 at most", len(d.taken))
		}
	})
}
