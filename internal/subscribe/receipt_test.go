package subscribe_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/deliver"
	"shirase/internal/incident"
	"shirase/internal/plan"
	"shirase/internal/subscribe"
	"shirase/internal/subscribe/subscribetest"
)

// onCall is an address of the plan.
const onCall = incident.Address("on-call@minato.test")

// told remembers what operators hear.
type told struct {
	said []string
	err  error
}

func (o *told) Undelivered(_ context.Context, id incident.ID, c incident.Channel, r deliver.Reason, n int) error {
	o.said = append(o.said, fmt.Sprintf("%s %s %s %d", id, c, r, n))
	return o.err
}

// receipts answers a world in which sato subscribed by mail and a member is on
// call, and takes receipts in it.
func receipts(t *testing.T) (*subscribetest.World, *subscribe.Receipts, *told) {
	t.Helper()
	w, s := setup(t)
	w.Plan.Members = []plan.Member{{
		ID: "on-call", Audiences: []incident.Audience{incident.Engineering}, Locale: "ja",
		Addresses: map[incident.Channel]incident.Address{incident.Email: onCall, incident.SMS: "+447700900123"},
	}}
	subscribed(t, w, s, request(incident.Email, mail))
	o := &told{}
	return w, subscribe.NewReceipts(s, o), o
}

func receive(t *testing.T, r *subscribe.Receipts, in subscribe.Receipt) subscribe.Effect {
	t.Helper()
	e, err := r.Receive(t.Context(), in)
	if err != nil {
		t.Fatalf("Receive(%s) = %v, want no error", in.Kind, err)
	}
	return e
}

func TestWhatComesOfAReceipt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind    subscribe.ReceiptKind
		reply   string
		effect  subscribe.Effect
		banned  subscribe.SuppressReason
		planned string // what an operator hears if it is somebody of the plan
	}{
		{kind: subscribe.ReceiptDelivered},
		{kind: subscribe.ReceiptDelayed},
		{kind: subscribe.ReceiptBounced, effect: "suppressed", banned: subscribe.Bounced, planned: "gone"},
		{kind: subscribe.ReceiptReturned, effect: "strike", planned: "rejected"},
		{kind: subscribe.ReceiptLost, planned: "rejected"},
		{kind: subscribe.ReceiptComplained, effect: "suppressed", banned: subscribe.Complained, planned: "forbidden"},
		{kind: subscribe.ReceiptOptedOut, effect: "suppressed", banned: subscribe.OptedOut, planned: "forbidden"},
		{kind: subscribe.ReceiptReplied, reply: "When will it work again?"},
		{kind: subscribe.ReceiptReplied, reply: "Stop.", effect: "suppressed", banned: subscribe.OptedOut, planned: "forbidden"},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			t.Parallel()
			w, r, o := receipts(t)
			in := subscribe.Receipt{Kind: c.kind, Channel: incident.Email, Address: mail, Incident: "inc1", Reply: c.reply}
			if got := receive(t, r, in); got != c.effect {
				t.Errorf("Receive(%s) = %q, want %q", c.kind, got, c.effect)
			}
			ban := w.Banned["email#"+string(w.ID(incident.Email, mail).ID)]
			if ban.Reason != c.banned || len(o.said) > 0 {
				t.Errorf("Receive(%s) suppressed for %q and told %v, want %q and nobody", c.kind, ban.Reason, o.said, c.banned)
			}
			rec, want := w.Record(incident.Email, mail), incident.Active
			if c.banned != "" {
				want = incident.Suppressed
			}
			if rec.Subscriber.State != want {
				t.Errorf("after %s: %s, want %s", c.kind, rec.Subscriber.State, want)
			}
			before := w.Dump()
			receive(t, r, in) // which comes twice
			if c.kind != subscribe.ReceiptReturned && c.banned == "" && w.Dump() != before {
				t.Errorf("the second %s changed something", c.kind)
			}

			in.Address = onCall
			receive(t, r, in)
			var wantTold []string
			if c.planned != "" {
				wantTold = []string{"inc1 email " + c.planned + " 1"}
			}
			if d := cmp.Diff(wantTold, o.said); d != "" {
				t.Errorf("operators heard of a member's %s (-want +got):\n%s", c.kind, d)
			}
			if c.kind == subscribe.ReceiptBounced && len(w.Banned) > 1 {
				t.Error("a member who is on call was silenced by a bounce")
			}
		})
	}
}

func TestARefusedMessageIsTheOperatorsConcern(t *testing.T) {
	t.Parallel()
	w, r, o := receipts(t)
	before := w.Dump()
	in := subscribe.Receipt{Kind: subscribe.ReceiptRefused, Channel: incident.SMS} // about nobody, and no incident
	if e := receive(t, r, in); e != subscribe.EffectTold || w.Dump() != before {
		t.Errorf("Receive(refused) = %q, want told, and nothing written", e)
	}
	if d := cmp.Diff([]string{"none sms rejected 1"}, o.said); d != "" {
		t.Errorf("operators heard (-want +got):\n%s", d)
	}
	o.err = subscribetest.ErrDown
	if _, err := r.Receive(t.Context(), in); !errors.Is(err, subscribetest.ErrDown) {
		t.Errorf("Receive while nobody can be told = %v, want an error, so that it comes again", err)
	}
}

func TestTheRecipientIsWhomTheTagNames(t *testing.T) {
	t.Parallel()
	w, r, _ := receipts(t)
	// It bounced at another address, to which the reader has mail forwarded.
	receive(t, r, subscribe.Receipt{
		Kind: subscribe.ReceiptBounced, Channel: incident.Email, Recipient: w.ID(incident.Email, mail).ID, Address: "sato@elsewhere.example",
	})
	if w.Record(incident.Email, mail).Subscriber.State != incident.Suppressed || len(w.Banned) != 1 {
		t.Errorf("%d addresses are suppressed, want the one that was written to", len(w.Banned))
	}
	// Without a tag any spelling of the address is the same.
	w, r, _ = receipts(t)
	receive(t, r, subscribe.Receipt{Kind: subscribe.ReceiptComplained, Channel: incident.Email, Address: "sato@READER.example "})
	if w.Record(incident.Email, mail).Subscriber.State != incident.Suppressed {
		t.Error("the address in another spelling is not suppressed")
	}
}

func TestFiveDaysOfReturnedMail(t *testing.T) {
	t.Parallel()
	w, r, _ := receipts(t)
	in := subscribe.Receipt{Kind: subscribe.ReceiptReturned, Channel: incident.Email, Address: mail}
	var got []subscribe.Effect
	for range 5 {
		for range 6 { // an outage, with a receipt that comes twice
			if e := receive(t, r, in); e != "" {
				got = append(got, e)
			}
			w.Time = w.Time.Add(20 * time.Minute)
		}
		w.Time = w.Time.Add(30 * time.Hour)
	}
	if d := cmp.Diff([]subscribe.Effect{"strike", "strike", "strike", "strike", "suppressed"}, got); d != "" {
		t.Errorf("five days of returned mail (-want +got):\n%s", d)
	}
	if ban := w.Banned["email#"+string(w.ID(incident.Email, mail).ID)]; ban.Reason != subscribe.Bounced {
		t.Errorf("suppressed for %q, want bounced", ban.Reason)
	}
}

func TestOldStrikesAreForgotten(t *testing.T) {
	t.Parallel()
	w, r, _ := receipts(t)
	for n := range 12 {
		if e := receive(t, r, subscribe.Receipt{Kind: subscribe.ReceiptReturned, Channel: incident.Email, Address: mail}); e != subscribe.EffectStrike {
			t.Errorf("Receive %d = %q, want a strike: three weeks lie between any two", n, e)
		}
		w.Time = w.Time.Add(23 * 24 * time.Hour)
	}
}

func TestAReceiptOfNobody(t *testing.T) {
	t.Parallel()
	w, r, o := receipts(t)
	before := w.Dump()
	for _, in := range []subscribe.Receipt{
		{Kind: subscribe.ReceiptBounced, Channel: incident.Email},
		{Kind: subscribe.ReceiptBounced, Channel: incident.Email, Address: "canary no address"},
		{Kind: subscribe.ReceiptReplied, Channel: incident.SMS, Address: "Canary Corp", Reply: "STOP"},
		{Kind: "eaten", Channel: incident.Email, Address: mail},
		{Channel: incident.Email, Address: mail},
	} {
		_, err := r.Receive(t.Context(), in)
		if !errors.Is(err, incident.ErrInvalid) || strings.Contains(strings.ToLower(fmt.Sprint(err)), "canary") {
			t.Errorf("Receive(%q to %q) = %v, want ErrInvalid that echoes nothing", in.Kind, in.Address.Reveal(), err)
		}
	}
	if w.Dump() != before || len(o.said) > 0 {
		t.Error("a receipt of nobody changed something, or somebody was told")
	}
}

func TestStops(t *testing.T) {
	t.Parallel()
	for _, reply := range []string{
		"STOP", "stop", "Stop.", "ＳＴＯＰ", "«STOP»", "S.T.O.P", "Stop 🛑", "STOP PLEASE", "stop it now", "\tStop\n", "Stop, thanks",
		"UNSUBSCRIBE", "unsubscribe me from this", "Opt-Out", "opt out", "OPTOUT", "Cancel", "cancle", "END", "Quit!", "REVOKE",
		"Don't text me", "don’t text me", "remove me", "wrong number", "ARRET", "Arrêt", "TD",
		"停止", "【停止】", "配信停止", "配信 停止", "停止してください。", "やめて", "止めてください！", "もう送らないで", "いりません", "ストップ", "ｽﾄｯﾌﾟ", "すとっぷ",
		"ALTO", "Parar", "baja", "Dar de baja", "cancelar suscripción", "Cancelar suscripcion", "no más", "NO MAS MENSAJES", "¡Basta!",
	} {
		if !subscribe.Stops(reply) {
			t.Errorf("Stops(%q) = false, want true", reply)
		}
	}
	for _, reply := range []string{
		"", " ", "!!", "🛑", "ok", "Thanks", "START", "UNSTOP", "HELP", "Did checkout stop working?", "It does not stop", "When does it end?",
		"The end of the day is fine", "I cancelled my order", "nonstop", "stopwatch", "quit smoking", "out of office",
		"はい", "停止していますか？", "いつ直りますか", "不要な請求が来ました", "¿Para cuándo?", "para mañana", "finalmente",
		"stop " + strings.Repeat("a", 6400),
	} {
		if subscribe.Stops(reply) {
			t.Errorf("Stops(%.60q) = true, want false", reply)
		}
	}
}

// TestEveryPhraseStops reads the file as it is: each line must stop, and each
// language must have forty at least.
func TestEveryPhraseStops(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("stop.txt")
	if err != nil {
		t.Fatal(err)
	}
	counts, language := map[string]int{}, ""
	for line := range strings.Lines(string(file)) {
		line = strings.TrimSpace(line)
		if heading, ok := strings.CutPrefix(line, "// "); ok {
			language, _, _ = strings.Cut(heading, ",")
			continue
		}
		if line == "" {
			continue
		}
		counts[language]++
		if !subscribe.Stops(strings.TrimSuffix(line, "…")) {
			t.Errorf("Stops(%q) = false, want true", line)
		}
	}
	for _, language := range []string{"English", "日本語", "español"} {
		if counts[language] < 40 {
			t.Errorf("stop.txt has %d phrases in %s, want at least 40", counts[language], language)
		}
	}
}

func FuzzStops(f *testing.F) {
	for _, s := range []string{"STOP", "stop please", "ｽﾄｯﾌﾟ", "停止", "no más", "\xff", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := subscribe.Stops(s)
		if len(s) > 1000 {
			return
		}
		if again := subscribe.Stops(" ¡" + s + "!\n"); again != got {
			t.Errorf("Stops(%q) = %t, and %t with signs around it", s, got, again)
		}
	})
}
