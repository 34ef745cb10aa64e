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

// Take answers how many of the retries may be made, and counts them as made.
func (b *Budget) Take(c incident.Channel, retries int, now time.Time) int {
	n := 0
	b.change(c, func(p *purse) {
		if d := now.Sub(p.at); !p.at.IsZero() && d > 0 {
			p.spent = max(0, p.spent-budgetTrickle*d.Seconds())
		}
		p.at = now
		n = min(retries, max(0, int(budgetBurst-p.spent)))
		p.spent += float64(n)
	})
	return n
}

// Return gives back retries that were taken and not made.
func (b *Budget) Return(c incident.Channel, retries int) {
	b.change(c, func(p *purse) { p.spent = max(0, p.spent-float64(retries)) })
}

// Earn counts first attempts that are made. One that only waited for its turn
// earns nothing.
func (b *Budget) Earn(c incident.Channel, first int) {
	b.change(c, func(p *purse) { p.spent = max(0, p.spent-budgetRatio*float64(first)) })
}

func (b *Budget) change(c incident.Channel, fn func(*purse)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.channels == nil {
		b.channels = map[incident.Channel]purse{}
	}
	p := b.channels[c]
	fn(&p)
	b.channels[c] = p
}
