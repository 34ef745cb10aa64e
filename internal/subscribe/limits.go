package subscribe

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"shirase/internal/incident"
)

// A Cap is how much of something there may be in a span of time.
type Cap struct {
	N   int
	Per time.Duration
}

// Caps bounds what sign-ups may cause. A zero cap has the default.
type Caps struct {
	// Target bounds the confirmations that one person is sent. Reaching it shows
	// nowhere.
	Target Cap
	// Network bounds the sign-ups from one IPv4 address or one IPv6 /64.
	Network Cap
	// Prefix bounds the SMS to numbers that begin alike, as bought ones do.
	Prefix Cap
	// Channel bounds the confirmations of a whole channel.
	Channel Cap
}

func (c Caps) withDefaults() Caps {
	fill := func(c *Cap, n int, per time.Duration) {
		if *c == (Cap{}) {
			*c = Cap{N: n, Per: per}
		}
	}
	fill(&c.Target, 3, 24*time.Hour)
	fill(&c.Network, 10, 4*time.Hour)
	fill(&c.Prefix, 20, time.Hour)
	fill(&c.Channel, 2000, time.Hour)
	return c
}

// prefixLength is how many characters of a number, with the plus, begin alike
// in a block that was bought at once.
const prefixLength = 8

// admit counts a sign-up against the caps that show, and answers a
// [*LimitError] where one is full.
func (s *Service) admit(ctx context.Context, c incident.Channel, a incident.Address, ip netip.Addr, now time.Time) error {
	type count struct {
		key string
		cap Cap
	}
	var counts []count
	if h := s.network(ip); h != "" {
		counts = append(counts, count{"network#" + h, s.caps.Network})
	}
	if c == incident.SMS {
		counts = append(counts, count{"prefix#" + s.hash("prefix", a.Reveal()[:min(prefixLength, len(a))]), s.caps.Prefix})
	}
	counts = append(counts, count{"channel#" + string(c), s.caps.Channel})
	for _, n := range counts {
		wait, err := s.limits.Take(ctx, n.key, n.cap, now)
		if err != nil {
			return fmt.Errorf("count a sign-up: %w", err)
		}
		if wait > 0 {
			return &LimitError{RetryAfter: wait}
		}
	}
	return nil
}

// network answers a keyed hash of where a request came from, empty if it came
// from nowhere. An IPv6 customer owns a /64 at least.
func (s *Service) network(ip netip.Addr) string {
	ip = ip.Unmap().WithZone("")
	if !ip.IsValid() {
		return ""
	}
	if ip.Is6() {
		p, err := ip.Prefix(64)
		if err != nil {
			return ""
		}
		ip = p.Addr()
	}
	return s.hash("network", ip.String())
}
