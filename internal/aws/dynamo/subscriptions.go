package dynamo

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"shirase/internal/incident"
	records "shirase/internal/record"
	"shirase/internal/subscribe"
)

// Subscriptions keeps subscriptions, consent, suppressions, the work that changes
// leave, and the counts of sign-ups, in the table subscribers. It implements the
// store ports of subscribe. Memos go into the table incidents, where [Store] finds
// them.
//
// Its items hold addresses, its errors never do.
type Subscriptions struct {
	db     db
	marked marked
	change updateItem
	del    deleteItem
	tables Tables
	shards int
}

// NewSubscriptions makes subscriptions whose audiences have as many shards each as
// those of [NewBook].
func NewSubscriptions(api *dynamodb.Client, tables Tables, shards int) (*Subscriptions, error) {
	if err := checkShards(shards); err != nil {
		return nil, err
	}
	return &Subscriptions{
		db: newDB(api), marked: newMarked(api), change: api.UpdateItem, del: api.DeleteItem, tables: tables, shards: shards,
	}, nil
}

// Load implements [subscribe.Store].
func (sb *Subscriptions) Load(ctx context.Context, k subscribe.Key) (subscribe.Record, error) {
	it, err := sb.db.get(ctx, sb.tables.Subscribers, keyRecipient(k.Channel, k.ID))
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
func (sb *Subscriptions) Suppressed(ctx context.Context, c incident.Channel, id incident.RecipientID) (bool, error) {
	it, err := sb.db.get(ctx, sb.tables.Subscribers, keyRecipient(c, id))
	if err != nil {
		return false, err
	}
	return it[attrSuppression] != nil, nil
}

// suppressTries bounds how often a suppression is tried that met a transaction
// on the same item.
const suppressTries = 8

// Suppress implements [subscribe.Suppressions].
func (sb *Subscriptions) Suppress(ctx context.Context, s subscribe.Suppression) error {
	why, err := encode(records.NewSuppression(s))
	if err != nil {
		return fmt.Errorf("suppression: %w", err)
	}
	in := &dynamodb.UpdateItemInput{
		TableName: aws.String(sb.tables.Subscribers), Key: keyRecipient(s.Channel, s.ID).item(),
		UpdateExpression:          aws.String("SET #s = if_not_exists(#s, :s) ADD #rev :one"),
		ExpressionAttributeNames:  map[string]string{"#s": attrSuppression, "#rev": attrRev},
		ExpressionAttributeValues: item{":s": why, ":one": number(1)},
	}
	for n := 1; ; n++ {
		_, err := sb.change(ctx, in)
		if !is[*types.TransactionConflictException](err) || n == suppressTries {
			return mapped("suppress", err)
		}
	}
}
