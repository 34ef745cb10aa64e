package dynamo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	smithytime "github.com/aws/smithy-go/time"

	"shirase/internal/incident"
)

// The limits of DynamoDB
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html).
const (
	maxBatch   = 100     // keys in a BatchGetItem
	maxActions = 100     // actions in a TransactWriteItems
	maxKey     = 1 << 10 // bytes of a sort key
)

// How often what DynamoDB leaves undone for want of capacity is asked for again,
// and how long the first wait is; each is twice the one before.
const (
	batchTries    = 8 // in which nothing more is read
	transactTries = 5
	firstWait     = 25 * time.Millisecond
)

// db is what the stores share: reads that are strongly consistent unless they
// say otherwise, and transactions. Its errors are those of [mapped]. Of the client
// it keeps what it calls; who writes single items keeps those calls itself, see
// [putItem].
type db struct {
	getItem  func(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	getBatch func(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	find     func(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	write    func(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
	// sleep waits, or answers the context's error if that ends first.
	sleep func(context.Context, time.Duration) error
}

func newDB(api *dynamodb.Client) db {
	return db{api.GetItem, api.BatchGetItem, api.Query, api.TransactWriteItems, smithytime.SleepWithContext}
}

// get reads one item; nil where there is none.
func (d db) get(ctx context.Context, table string, k key) (item, error) {
	out, err := d.getItem(ctx, &dynamodb.GetItemInput{
		TableName: aws.String(table), Key: k.item(), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, mapped("read "+k.kind(), err)
	}
	if len(out.Item) == 0 {
		return nil, nil
	}
	return out.Item, nil
}

// batch reads items in the order of their keys; nil where there is none. A key
// may stand there twice. Each item is read by itself: all of them are not of
// one moment.
func (d db) batch(ctx context.Context, table string, ks []key) ([]item, error) {
	found := make(map[key]item, len(ks))
	var once []key
	for _, k := range ks {
		if _, ok := found[k]; !ok {
			found[k] = nil
			once = append(once, k)
		}
	}
	for len(once) > 0 {
		n := min(len(once), maxBatch)
		if err := d.batchOnce(ctx, table, once[:n], found); err != nil {
			return nil, err
		}
		once = once[n:]
	}
	its := make([]item, len(ks))
	for n, k := range ks {
		its[n] = found[k]
	}
	return its, nil
}

// batchOnce reads up to [maxBatch] different keys into found. DynamoDB leaves
// keys out where an answer grows too large or a partition is too busy, so it
// goes on until all are read, or none was for a while
// (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html).
func (d db) batchOnce(ctx context.Context, table string, ks []key, found map[key]item) error {
	keys := make([]item, len(ks))
	for n, k := range ks {
		keys[n] = k.item()
	}
	for tries := 0; len(keys) > 0; tries++ {
		if tries == batchTries {
			return fmt.Errorf("read %d items: DynamoDB left %d of them unread %d times", len(ks), len(keys), tries)
		}
		if tries > 0 {
			if err := d.sleep(ctx, firstWait<<(tries-1)); err != nil {
				return fmt.Errorf("read %d items: %w", len(ks), err)
			}
		}
		out, err := d.getBatch(ctx, &dynamodb.BatchGetItemInput{
			RequestItems: map[string]types.KeysAndAttributes{table: {Keys: keys, ConsistentRead: aws.Bool(true)}},
		})
		if err != nil {
			return mapped(fmt.Sprintf("read %d items", len(ks)), err)
		}
		for _, it := range out.Responses[table] {
			found[keyOf(it)] = it
		}
		left := out.UnprocessedKeys[table].Keys
		if len(left) < len(keys) {
			tries = 0
		}
		keys = left
	}
	return nil
}

// list reads the items of a partition whose sort keys begin with prefix and come
// after the cursor: a sort key without the prefix. It keeps those that keep
// takes, all where that is nil, up to limit; a limit under 1 means all. Next is
// the cursor of the last one, and empty if no more would be kept.
func (d db) list(ctx context.Context, table, pk, prefix, after string, limit int, keep func(item) bool) (its []item, next string, err error) {
	if len(prefix)+len(after) >= maxKey {
		return nil, "", incident.Invalid("cursor", "is none that was given out")
	}
	from := prefix
	if after != "" {
		from += after + "\x00" // the first key that comes after it
	}
	where, values := "pk = :pk", item{":pk": text(pk)}
	switch {
	case prefix != "":
		where += " AND sk BETWEEN :from AND :to"
		values[":from"], values[":to"] = text(from), text(beyond(prefix))
	case after != "":
		where += " AND sk >= :from"
		values[":from"] = text(from)
	}
	err = d.query(ctx, &dynamodb.QueryInput{
		TableName: aws.String(table), ConsistentRead: aws.Bool(true),
		KeyConditionExpression: aws.String(where), ExpressionAttributeValues: values, Limit: ask(limit, keep != nil),
	}, func(it item) bool {
		sk := textOf(it, attrSK)
		if !strings.HasPrefix(sk, prefix) || keep != nil && !keep(it) {
			return true
		}
		if limit > 0 && len(its) == limit {
			next = strings.TrimPrefix(textOf(its[limit-1], attrSK), prefix)
			return false
		}
		its = append(its, it)
		return true
	})
	return its, next, err
}

// index reads keys from a part of the index, in order: those whose index sort
// keys come after one and before another, either of which may be empty, up to
// limit; under 1 means all. Next is the index sort key of the last one, and empty
// at the end. It is eventually consistent: it may name what is gone, or has
// moved, and miss what was written this moment.
func (d db) index(ctx context.Context, table, gpk, after, before string, limit int) (ks []key, next string, err error) {
	if len(after) >= maxKey {
		return nil, "", incident.Invalid("cursor", "is none that was given out")
	}
	where, values := "gpk = :gpk", item{":gpk": text(gpk)}
	switch {
	case after != "" && before != "":
		where += " AND gsk BETWEEN :after AND :before"
	case after != "":
		where += " AND gsk > :after"
	case before != "":
		where += " AND gsk < :before"
	}
	if after != "" {
		values[":after"] = text(after)
	}
	if before != "" {
		values[":before"] = text(before)
	}
	var last string
	err = d.query(ctx, &dynamodb.QueryInput{
		TableName: aws.String(table), IndexName: aws.String(Index),
		KeyConditionExpression: aws.String(where), ExpressionAttributeValues: values, Limit: ask(limit, false),
	}, func(it item) bool {
		gsk := textOf(it, attrGSK)
		if after != "" && gsk == after || before != "" && gsk == before { // BETWEEN holds both
			return true
		}
		if limit > 0 && len(ks) == limit {
			next = last
			return false
		}
		ks, last = append(ks, keyOf(it)), gsk
		return true
	})
	return ks, next, err
}

// ask is how many items a page of DynamoDB's need hold: one more than the limit
// shows whether there are more, and one the cursor itself. Where some are passed
// over nobody knows.
func ask(limit int, some bool) *int32 {
	if limit < 1 || some {
		return nil
	}
	return aws.Int32(int32(min(limit, 1000) + 2))
}

// query hands over items, page after page, until take answers false.
func (d db) query(ctx context.Context, in *dynamodb.QueryInput, take func(item) bool) error {
	for {
		out, err := d.find(ctx, in)
		if err != nil {
			return mapped("list items", err)
		}
		for _, it := range out.Items {
			if !take(it) {
				return nil
			}
		}
		if len(out.LastEvaluatedKey) == 0 {
			return nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// beyond answers the first key that comes after all that begin with prefix,
// whose last byte must be of ASCII.
func beyond(prefix string) string {
	last := len(prefix) - 1
	return prefix[:last] + string(rune(prefix[last]+1))
}

// transact makes all the writes or none. No two may be of the same item. The SDK
// gives each call a token, so that its own second tries change nothing; a caller
// that tries again needs a condition that then fails. More writes than DynamoDB
// makes at once are [incident.ErrInvalid].
func (d db) transact(ctx context.Context, ws []types.TransactWriteItem) error {
	if len(ws) > maxActions {
		return fmt.Errorf("a transaction of %d writes, and DynamoDB makes %d at once: %w", len(ws), maxActions, incident.ErrInvalid)
	}
	for tries := 1; ; tries++ {
		_, err := d.write(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: ws})
		if err == nil {
			return nil
		}
		if !throttled(err) || tries == transactTries {
			return refused(ws, err)
		}
		if err := d.sleep(ctx, firstWait<<(tries-1)); err != nil {
			return fmt.Errorf("make %d writes: %w", len(ws), err)
		}
	}
}
