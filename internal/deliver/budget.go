package deliver

import (
	"sync"
	"time"

	"shirase/internal/incident"
)

// The retry budget: a tenth of first attempts, some to begin with, and a
// trickle so that a channel without first attempts still comes to its end.
const (
	budgetRatio   = 0.1
	budgetBurst   = 16
	budgetTrickle = 1.0 // a second
	budgetWait    = 5 * time.Second
)

// Budget keeps the retries of a process to a tenth of its first attempts, so
// that a provider that recovers is not met by everyone who failed before. Since
// it is a ratio, what holds for each process holds for all of them. The zero
// Budget is ready, and safe for use by several at once.
type Budget struct {
	mu       sync.Mutex
	channels map[incident.Channel]purse
}

// purse is how many retries a channel has spent of its burst.
type purse struct {
	spent float64
	at    time.Time
}

// Take counts first attempts and answers how many of the retries may be made.
func (b *Budget) Take(c incident.Channel, first, retries int, now time.Time) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.channels == nil {
		b.channels = map[incident.Channel]purse{}
	}
	p := b.channels[c]
	earned := budgetRatio * float64(first)
	if d := now.Sub(p.at); !p.at.IsZero() && d > 0 {
		earned += budgetTrickle * d.Seconds()
	}
	p.spent, p.at = max(0, p.spent-earned), now
	n := min(retries, max(0, int(budgetBurst-p.spent)))
	p.spent += float64(n)
	b.channels[c] = p
	return n
}
