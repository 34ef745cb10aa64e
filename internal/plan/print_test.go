package plan_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"shirase/internal/plan"
)

func TestPrint(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := plan.Print(&b, embedded(t, "company")); err != nil {
		t.Fatalf("Print(company) = %v", err)
	}
	golden(t, "print/company.html", b.String())
}

// TestPrintStandsAlone holds the page to what it is for: it must open and
// print without a network.
func TestPrintStandsAlone(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"team", "company"} {
		var b bytes.Buffer
		if err := plan.Print(&b, embedded(t, name)); err != nil {
			t.Fatalf("Print(%s) = %v", name, err)
		}
		for _, asset := range []string{"<link", "<script", "<img", "src=", "@import", "url("} {
			if strings.Contains(b.String(), asset) {
				t.Errorf("Print(%s) holds %q, want no outside asset", name, asset)
			}
		}
	}
}

func TestPrintEscapes(t *testing.T) {
	t.Parallel()
	p := parse(t, `
organisation: {name: "<b>Aoba</b>", contact: help@aoba.test}
components: [{id: booking, name: Booking, effect: Bookings cannot be made.}]
`)
	var b bytes.Buffer
	if err := plan.Print(&b, p); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "<b>") {
		t.Error("Print() holds markup of the plan, want it escaped")
	}
}

func TestPrintTellsOfFailure(t *testing.T) {
	t.Parallel()
	if err := plan.Print(broken{}, embedded(t, "team")); !errors.Is(err, errBroken) {
		t.Errorf("Print(broken writer) = %v, want its error", err)
	}
}

var errBroken = errors.New("broken")

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errBroken }
