package main

import (
	"sync"
	"time"
)

// clock is the time of the whole program: the real time until it is first moved
// by hand, from then on it stands and moves only so.
type clock struct {
	mu       sync.Mutex
	standing bool
	at       time.Time
}

// now answers the time, in UTC and to the millisecond, as it is stored.
func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.standing {
		return c.at
	}
	return time.Now().UTC().Truncate(time.Millisecond)
}

// stand stops the clock where it is and answers its time.
func (c *clock) stand() time.Time {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.standing {
		c.standing, c.at = true, now
	}
	return c.at
}

// set moves a clock that stands; it never goes back.
func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.standing && t.After(c.at) {
		c.at = t
	}
}

// stands reports whether the clock was moved by hand.
func (c *clock) stands() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.standing
}
