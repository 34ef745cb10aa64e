package plan_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"shirase/internal/plan"
)

func TestInit(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, answers string }{
		{"japanese", "\nあおば \"予約\"\nhelp@aoba.test\n\nsato@aoba.test、mori@aoba.test、sato@aoba.example\n"},
		{"english-with-slips", "fr\nen\n\nAoba: Booking\nhelp\nhelp@aoba.test\nMars\nEurope/London\nsato\nsato@aoba.test\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			src, err := plan.Init(strings.NewReader(tt.answers), &out)
			if err != nil {
				t.Fatalf("Init() = %v, want a plan", err)
			}
			parse(t, string(src))
			golden(t, "init/"+tt.name+".txt", out.String()+"\n----\n"+string(src))
		})
	}
}

func TestInitEndsEarly(t *testing.T) {
	t.Parallel()
	if _, err := plan.Init(strings.NewReader("ja\nAoba\n"), io.Discard); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Init(two answers) = %v, want ErrUnexpectedEOF", err)
	}
}
