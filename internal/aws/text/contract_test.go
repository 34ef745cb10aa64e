//go:build contract

package text_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sns"

	"shirase/internal/aws/enginetest"
	"shirase/internal/aws/text"
	"shirase/internal/deliver"
)

// TestSNSAgainstEngines publishes to a number. No engine has End User Messaging,
// and none answers an SMS that is refused as AWS does.
func TestSNSAgainstEngines(t *testing.T) {
	t.Parallel()
	for name, config := range enginetest.All(t) {
		sender := text.NewSNS(sns.NewFromConfig(config), text.Config{Sender: "Example", MaxPrice: "0.20"}, time.Now)
		out := sender.Send(t.Context(), []deliver.Envelope{envelope()}, time.Now().Add(time.Minute))
		if out[0].Failure != nil || out[0].ID == "" {
			t.Errorf("%s: Send = %+v, want it accepted", name, out[0])
		}
	}
}

// TestSNSAgainstMotoRefusesNoNumber hands over what is no number.
func TestSNSAgainstMotoRefusesNoNumber(t *testing.T) {
	t.Parallel()
	e := envelope()
	e.To = "00"
	out := text.NewSNS(sns.NewFromConfig(enginetest.Moto(t)), text.Config{}, time.Now).
		Send(t.Context(), []deliver.Envelope{e}, time.Now().Add(time.Minute))
	if f := out[0].Failure; f == nil || f.Reason != deliver.Rejected {
		t.Errorf("Send to no number = %v, want rejected", f)
	}
}
