package dynamo

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"shirase/internal/incident"
	records "shirase/internal/record"
	"shirase/internal/subscribe"
)

// The attributes of a recipient's item. Those of a subscription end in the name
// of its audience. Rev rises with each write, whatever it is about.
const (
	attrSubscription = "subscription_"
	attrVersionOf    = "version_"
	attrSuppression  = "suppression"
)

// Book keeps subscriptions, consent, suppressions, the work that changes leave,
// and the counts of sign-ups, in the table subscribers. It implements
// [shirase/internal/deliver.Book] and the store ports of subscribe. Memos go
// into the table incidents, where [Store] finds them.
//
// Its items hold addresses, its errors never do.
type Book struct {
	db     db
	tables Tables
	shards int
}

// NewBook makes a book whose audiences have a number of shards each, from 1 to
// 64, which must stay the same for as long as the data is kept.
func NewBook(api *dynamodb.Client, tables Tables, shards int) (*Book, error) {
	if err := checkShards(shards); err != nil {
		return nil, err
	}
	return &Book{db: newDB(api), tables: tables, shards: shards}, nil
}

// Shards implements [shirase/internal/deliver.Book].
func (b *Book) Shards() int { return b.shards }

// Page implements [shirase/internal/deliver.Book]. A page costs one read for each
// 4 KB of those it lists, since nobody else stands in the list.
func (b *Book) Page(ctx context.Context, a incident.Audience, c incident.Channel, shard int, cursor string, limit int) (ss []incident.Subscriber, next string, err error) {
	its, next, err := b.db.list(ctx, b.tables.Subscribers, pkShard(a, shard), skShardOn(c), cursor, limit, nil)
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
	its, err := b.db.batch(ctx, b.tables.Subscribers, ks)
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

// Load implements [subscribe.Store].
func (b *Book) Load(ctx context.Context, k subscribe.Key) (subscribe.Record, error) {
	it, err := b.db.get(ctx, b.tables.Subscribers, keyRecipient(k.Channel, k.ID))
	if err != nil {
		return subscribe.Record{}, err
	}
	name := attrSubscription + string(k.Audience)
	if it[name] == nil {
		return subscribe.Record{}, fmt.Errorf("subscription: %w", incident.ErrNotFound)
	}
	r, err := subscription(it, name)
	if err != nil {
		return subscribe.Record{}, err
	}
	return r.Record(), nil
}

// Suppressed implements [subscribe.Suppressions].
func (b *Book) Suppressed(ctx context.Context, c incident.Channel, id incident.RecipientID) (bool, error) {
	it, err := b.db.get(ctx, b.tables.Subscribers, keyRecipient(c, id))
	if err != nil {
		return false, err
	}
	return it[attrSuppression] != nil, nil
}

// suppressTries bounds how often a suppression is tried that met a transaction
// on the same item.
const suppressTries = 8

// Suppress implements [subscribe.Suppressions].
func (b *Book) Suppress(ctx context.Context, s subscribe.Suppression) error {
	why, err := encode(records.NewSuppression(s))
	if err != nil {
		return fmt.Errorf("suppression: %w", err)
	}
	in := &dynamodb.UpdateItemInput{
		TableName: aws.String(b.tables.Subscribers), Key: keyRecipient(s.Channel, s.ID).item(),
		UpdateExpression:          aws.String("SET #s = if_not_exists(#s, :s) ADD #rev :one"),
		ExpressionAttributeNames:  map[string]string{"#s": attrSuppression, "#rev": attrRev},
		ExpressionAttributeValues: item{":s": why, ":one": number(1)},
	}
	for n := 1; ; n++ {
		_, err := b.db.api.UpdateItem(ctx, in)
		if !is[*types.TransactionConflictException](err) || n == suppressTries {
			return mapped("suppress", err)
		}
	}
}
