package bulk

// chance gives numbers that look like chance and are the same for a seed.
type chance struct{ at uint64 }

func (c *chance) next() uint64 {
	c.at += 0x9e3779b97f4a7c15
	return mix(c.at)
}

// below answers a number from 0 to n-1.
func (c *chance) below(n int) int { return int(c.next() % uint64(n)) }

// one reports true once in n times.
func (c *chance) one(n int) bool { return c.below(n) == 0 }
