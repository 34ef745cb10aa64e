package dynamo

import (
	"context"
	"strconv"
	"strings"

	"shirase/internal/deliver"
	"shirase/internal/incident"
)

// Told implements [deliver.Listing]. The order is by shard, then by recipient.
func (l *Ledger) Told(ctx context.Context, id incident.ID, c incident.Channel, cursor string, limit int) (rs []incident.RecipientID, next string, err error) {
	next, err = l.list(ctx, id, skLines(c), cursor, limit, func(k deliver.Key, _ item) (bool, error) {
		if k.Slot != "" {
			return false, nil
		}
		rs = append(rs, k.Recipient)
		return true, nil
	})
	if err != nil {
		return nil, "", err
	}
	return rs[:cut(len(rs), limit)], next, nil
}

// Deliveries implements [deliver.Listing]. The order is by shard, then by
// channel and recipient.
func (l *Ledger) Deliveries(ctx context.Context, id incident.ID, cursor string, limit int) (ds []deliver.Delivery, next string, err error) {
	next, err = l.list(ctx, id, "", cursor, limit, func(k deliver.Key, it item) (bool, error) {
		line, _, err := decode[deliver.Item](it)
		ds = append(ds, deliver.Delivery{Key: k, Item: line})
		return true, err
	})
	if err != nil {
		return nil, "", err
	}
	return ds[:cut(len(ds), limit)], next, nil
}

// cut leaves out the one that showed that there are more.
func cut(n, limit int) int {
	if limit < 1 {
		return n
	}
	return min(n, limit)
}

// list hands over the lines of an incident under a prefix, shard after shard,
// until take has taken one more than the limit. Next is the cursor of the last
// within the limit, and empty if there was no more.
func (l *Ledger) list(ctx context.Context, id incident.ID, prefix, cursor string, limit int, take func(deliver.Key, item) (bool, error)) (next string, err error) {
	shard, after, err := parseCursor(cursor, l.shards)
	if err != nil {
		return "", err
	}
	taken, last := 0, ""
	for shard < l.shards {
		ask := limit
		if limit > 0 {
			ask = limit + 1 - taken
		}
		its, more, err := l.db.list(ctx, l.table, pkLedger(id, shard), prefix, after, ask, nil)
		if err != nil {
			return "", err
		}
		for _, it := range its {
			sk := textOf(it, attrSK)
			ok, err := take(parseLine(id, sk), it)
			if err != nil {
				return "", err
			}
			if !ok {
				continue
			}
			if taken++; limit > 0 && taken > limit {
				return last, nil
			}
			last = strconv.Itoa(shard) + "#" + strings.TrimPrefix(sk, prefix)
		}
		if after = more; more == "" {
			shard++
		}
	}
	return "", nil
}

// parseCursor reads what list gave out: a shard, and a sort key without the prefix.
func parseCursor(cursor string, shards int) (shard int, after string, err error) {
	if cursor == "" {
		return 0, "", nil
	}
	s, after, ok := strings.Cut(cursor, "#")
	shard, err = strconv.Atoi(s)
	if err != nil || !ok || after == "" || shard < 0 || shard >= shards {
		return 0, "", incident.Invalid("cursor", "is none that was given out")
	}
	return shard, after, nil
}
