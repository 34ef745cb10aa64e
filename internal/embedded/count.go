package embedded

import (
	"context"

	"shirase/internal/incident"
	"shirase/internal/record"
)

// Count implements ready.Counter.
func (b *Book) Count(ctx context.Context, a incident.Audience, c incident.Channel) (n int, err error) {
	err = view(ctx, b.kv, func(tx Tx) error {
		n = 0
		for shard := range b.shards {
			_, _, err := page(tx, tableSubscribers, keyShardOn(a, shard, c), "", 0, func(_ string, s record.Subscription) bool {
				if s.State == incident.Active {
					n++
				}
				return false
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}
