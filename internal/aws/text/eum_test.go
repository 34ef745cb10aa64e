package text_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"shirase/internal/aws/text"
	"shirase/internal/deliver"
)

func TestEUMSendsFromTheOrigin(t *testing.T) {
	t.Parallel()
	s := always(200, `{"MessageId":"m-1"}`)
	sender := text.NewEUM(eumClient(s), text.Config{Origin: "pool-1", Set: "shirase", MaxPrice: "0.20"}, clock)
	out := sender.Send(t.Context(), []deliver.Envelope{envelope()}, noon.Add(time.Minute))
	if out[0].Failure != nil || out[0].ID != "m-1" || s.count() != 1 {
		t.Fatalf("Send = %+v after %d calls, want m-1 after one", out[0], s.count())
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(s.bodies[0]), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"DestinationPhoneNumber": phone, "OriginationIdentity": "pool-1", "ConfigurationSetName": "shirase",
		"MessageBody": envelope().Content.Text, "MessageType": "TRANSACTIONAL", "MaxPrice": "0.20", "TimeToLive": 14400.0,
		"Context": map[string]any{
			"incident": "01J9ZK3V7E8Q4T5R6W7X8Y9Z0A", "seq": "1", "channel": "sms",
			"recipient": "f00dfeedf00dfeedf00dfeedf00dfeed", "key": "00112233445566778899aabbccddeeff",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Send (-want +got):\n%s", diff)
	}
}

func TestEUMLeavesOutWhatIsNotSet(t *testing.T) {
	t.Parallel()
	s := always(200, `{"MessageId":"m-1"}`)
	e := envelope()
	e.Seq, e.Key = 0, ""
	out := text.NewEUM(eumClient(s), text.Config{Origin: "pool-1"}, clock).Send(t.Context(), []deliver.Envelope{e}, noon.Add(time.Minute))
	if out[0].Failure != nil {
		t.Fatal(out[0].Failure)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(s.bodies[0]), &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ConfigurationSetName", "MaxPrice"} {
		if _, ok := got[name]; ok {
			t.Errorf("Send has %s = %v, want none", name, got[name])
		}
	}
	if n := len(got["Context"].(map[string]any)); n != 3 {
		t.Errorf("Send has a context of %d, want 3: %v", n, got["Context"])
	}
}

func TestEUMAnswers(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name   string
		status int
		body   string
		reason deliver.Reason
		calls  int
	}{
		{"opted out", 400, `{"__type":"ConflictException","Reason":"DESTINATION_PHONE_NUMBER_OPTED_OUT","ResourceId":"` + phone + `"}`, deliver.Gone, 1},
		{"sandbox", 400, `{"__type":"ConflictException","Reason":"DESTINATION_PHONE_NUMBER_NOT_VERIFIED"}`, deliver.Rejected, 1},
		{"protected", 400, `{"__type":"ConflictException","Reason":"DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION"}`, deliver.Rejected, 1},
		{"country of a pool", 400, `{"__type":"ConflictException","Reason":"NO_ORIGINATION_IDENTITIES_FOUND"}`, deliver.Rejected, 1},
		{"origin not active", 400, `{"__type":"ConflictException","Reason":"RESOURCE_NOT_ACTIVE"}`, deliver.Unauthorised, 1},
		{"price", 400, `{"__type":"ValidationException","Reason":"PRICE_OVER_THRESHOLD"}`, deliver.Rejected, 1},
		{"number", 400, `{"__type":"ValidationException","Reason":"INVALID_PARAMETER","Fields":[{"Name":"DestinationPhoneNumber","Message":"` + phone + `"}]}`, deliver.Rejected, 1},
		{"our origin", 400, `{"__type":"ValidationException","Reason":"INVALID_PARAMETER","Fields":[{"Name":"OriginationIdentity","Message":"x"}]}`, deliver.Unauthorised, 1},
		{"sender not registered", 400, `{"__type":"ValidationException","Reason":"SENDER_ID_NOT_REGISTERED"}`, deliver.Unauthorised, 1},
		{"money is spent", 400, `{"__type":"ServiceQuotaExceededException","Reason":"MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT"}`, deliver.Unauthorised, 1},
		{"heard enough", 400, `{"__type":"ServiceQuotaExceededException","Reason":"DAILY_DESTINATION_CALL_LIMIT"}`, deliver.Rejected, 1},
		{"no such origin", 400, `{"__type":"ResourceNotFoundException","ResourceType":"pool"}`, deliver.Unauthorised, 1},
		{"account", 400, `{"__type":"AccessDeniedException","Reason":"INSUFFICIENT_ACCOUNT_REPUTATION"}`, deliver.Unauthorised, 1},
		{"rate", 400, `{"__type":"ThrottlingException"}`, deliver.Throttled, 3},
		{"fault", 500, `{"__type":"InternalServerException"}`, deliver.TimedOut, 1},
		{"away", 503, `{"__type":"ServiceUnavailable"}`, deliver.Unavailable, 1},
		{"cut", 200, `{"Mess`, deliver.TimedOut, 1},
		{"no id", 200, `{}`, deliver.TimedOut, 1},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := always(r.status, r.body)
				out := text.NewEUM(eumClient(s), text.Config{Origin: "pool-1"}, clock).
					Send(t.Context(), []deliver.Envelope{envelope()}, noon.Add(time.Minute))
				want(t, out[0].Failure, r.reason)
				if s.count() != r.calls {
					t.Errorf("Send made %d calls, want %d", s.count(), r.calls)
				}
			})
		})
	}
}
