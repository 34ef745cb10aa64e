package deliver

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"shirase/internal/incident"
)

// Open is what a tally calls deliveries whose end is not known yet. It is no
// result: no mark has it.
const Open = "open"

// Sum is how many recipients of an update on a channel ended in one way.
type Sum struct {
	Seq     int              `json:"seq"`
	Channel incident.Channel `json:"channel"`
	Result  Result           `json:"result"`
	Count   int              `json:"count"`
}

// tallyPage is how many items are read at once.
const tallyPage = 500

// Tally sums up the ledger of an incident by update, channel and result, in
// that order. It counts each text of each recipient once, and leaves out memos.
func Tally(ctx context.Context, l Listing, id incident.ID) ([]Sum, error) {
	counts := map[Sum]int{}
	for cursor, more := "", true; more; more = cursor != "" {
		var (
			page []Delivery
			err  error
		)
		if page, cursor, err = l.Deliveries(ctx, id, cursor, tallyPage); err != nil {
			return nil, fmt.Errorf("list deliveries of %s: %w", id, err)
		}
		for _, d := range page {
			d.tally(counts)
		}
	}
	sums := make([]Sum, 0, len(counts))
	for s, n := range counts {
		s.Count = n
		sums = append(sums, s)
	}
	slices.SortFunc(sums, func(a, b Sum) int {
		return cmp.Or(cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.Result, b.Result))
	})
	return sums, nil
}

func (d Delivery) tally(counts map[Sum]int) {
	if d.Key.Slot != "" {
		return
	}
	for _, m := range d.Item.Marks {
		counts[Sum{Seq: m.Text, Channel: d.Key.Channel, Result: m.Result}]++
	}
	if _, ok := d.Item.find(d.Item.Text); !ok && d.Item.working(d.Item.Text) {
		counts[Sum{Seq: d.Item.Text, Channel: d.Key.Channel, Result: Open}]++
	}
}
