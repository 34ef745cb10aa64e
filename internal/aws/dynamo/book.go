package dynamo

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"shirase/internal/incident"
	records "shirase/internal/record"
)

// The attributes of a recipient's item. Those of a subscription end in the name
// of its audience. Rev rises with each write, whatever it is about.
const (
	attrSubscription = "subscription_"
	attrVersionOf    = "version_"
	attrSuppression  = "suppression"
)

// Book reads who is to be told. It implements [shirase/internal/deliver.Book] and
// [shirase/internal/ready.Counter] over what [Subscriptions] writes.
type Book struct {
	db     db
	table  string // of subscribers
	shards int
}

// NewBook makes a book whose audiences have a number of shards each, from 1 to
// 64, which must stay the same for as long as the data is kept.
func NewBook(api *dynamodb.Client, tables Tables, shards int) (*Book, error) {
	if err := checkShards(shards); err != nil {
		return nil, err
	}
	return &Book{db: newDB(api), table: tables.Subscribers, shards: shards}, nil
}

// Shards implements [shirase/internal/deliver.Book].
func (b *Book) Shards() int { return b.shards }

// Page implements [shirase/internal/deliver.Book]. A page costs one read for each
// 4 KB of those it lists, since nobody else stands in the list.
func (b *Book) Page(ctx context.Context, a incident.Audience, c incident.Channel, shard int, cursor string, limit int) (ss []incident.Subscriber, next string, err error) {
	its, next, err := b.db.list(ctx, b.table, pkShard(a, shard), skShardOn(c), cursor, limit, nil)
	if err != nil {
		return nil, "", err
	}
	rs, err := decodeAll[records.Subscription](its)
	if err != nil {
		return nil, "", err
	}
	for _, r := range rs {
		ss = append(ss, r.Subscriber())
	}
	return ss, next, nil
}

// Find implements [shirase/internal/deliver.Book]. It reads one item of each
// recipient.
func (b *Book) Find(ctx context.Context, c incident.Channel, ids []incident.RecipientID) (map[incident.RecipientID][]incident.Subscriber, error) {
	ks := make([]key, len(ids))
	for n, id := range ids {
		ks[n] = keyRecipient(c, id)
	}
	its, err := b.db.batch(ctx, b.table, ks)
	if err != nil {
		return nil, err
	}
	found := map[incident.RecipientID][]incident.Subscriber{}
	for n, it := range its {
		ss, err := subscribers(it)
		if err != nil {
			return nil, err
		}
		if len(ss) > 0 {
			found[ids[n]] = ss
		}
	}
	return found, nil
}

// subscribers reads the subscriptions of a recipient's item, by audience.
func subscribers(it item) ([]incident.Subscriber, error) {
	var ss []incident.Subscriber
	for _, name := range slices.Sorted(maps.Keys(it)) {
		if !strings.HasPrefix(name, attrSubscription) {
			continue
		}
		r, err := subscription(it, name)
		if err != nil {
			return nil, err
		}
		s := r.Subscriber()
		if it[attrSuppression] != nil {
			s.State = incident.Suppressed
		}
		ss = append(ss, s)
	}
	return ss, nil
}

// subscription reads one subscription of a recipient's item.
func subscription(it item, name string) (r records.Subscription, err error) {
	body, err := unsqueeze(it[name])
	if err == nil {
		err = json.Unmarshal(body, &r)
	}
	if err != nil {
		return r, fmt.Errorf("decode subscription: %w", err)
	}
	return r, nil
}
