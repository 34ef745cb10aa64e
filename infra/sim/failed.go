package main

import (
	_ "embed"
	"strconv"
	"strings"
)

// failed.txt keeps the seeds that ever failed, one to a line with what it was
// that broke. They run first in every campaign.
//
//go:embed failed.txt
var failed string

// ever answers the seeds that ever failed.
func ever() []uint64 {
	var out []uint64
	for l := range strings.Lines(failed) {
		number, _, _ := strings.Cut(strings.TrimSpace(l), " ")
		if n, err := strconv.ParseUint(number, 10, 64); err == nil {
			out = append(out, n)
		}
	}
	return out
}
