//go:build process

package main

import (
	"flag"
	"testing"
)

var killSeed = flag.Uint64("seed", 1, "what the moments and the story of TestKilledAtFiftyMoments are drawn from")

// TestKilledAtFiftyMoments kills the running program fifty times while incidents
// are opened, told, corrected, taken back and ended, alarms ring, and readers
// come and leave. Nothing is lost, nothing doubled, nothing out of order.
func TestKilledAtFiftyMoments(t *testing.T) { kills(t, *killSeed, 50) }
