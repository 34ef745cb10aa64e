package main

import (
	"fmt"
	"sort"
	"testing"
	"time"
)

func BenchmarkSeeds(b *testing.B) {
	r, _ := newRig()
	n := uint64(0)
	for b.Loop() {
		w := newWorld(r, n%2000, without{})
		w.run()
		n++
	}
}
func TestDist(t *testing.T) {
	r, _ := newRig()
	type x struct {
		s     uint64
		c     int
		d     time.Duration
		sends int
	}
	var xs []x
	for s := uint64(0); s < 300; s++ {
		w := newWorld(r, s, without{})
		b := time.Now()
		w.run()
		n := 0
		for _, v := range w.sends {
			n += v
		}
		xs = append(xs, x{s, w.calls, time.Since(b), n})
	}
	sort.Slice(xs, func(a, b int) bool { return xs[a].c > xs[b].c })
	tot := 0
	var d time.Duration
	for _, v := range xs {
		tot += v.c
		d += v.d
	}
	fmt.Println(xs[:15])
	fmt.Println(xs[150], tot/300, d/300)
	d = 0
	for _, v := range xs[6:] {
		d += v.d
	}
	fmt.Println("without 6 largest", d/300)
}
