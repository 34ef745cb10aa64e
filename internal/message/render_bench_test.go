package message_test

import (
	"testing"

	"shirase/internal/message"
)

func BenchmarkRender(b *testing.B) {
	in := told(b, minato(b), outage(b, "01KBENCH"))[2]
	for b.Loop() {
		if _, _, err := message.Render(in); err != nil {
			b.Fatal(err)
		}
	}
}
