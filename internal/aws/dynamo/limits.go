package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"shirase/internal/incident"
	"shirase/internal/subscribe"
)

// The attributes of a count: how often its key was used, and when its span ends,
// in nanoseconds since 1970.
const (
	attrUsed = "used"
	attrEnd  = "ends"
)

// takeTries bounds how often a use is counted anew because somebody else was
// faster to begin a span.
const takeTries = 8

// Take implements [subscribe.Limits]. A span begins with the first use. Within
// one, a use is one write, on the condition that there is room; where that fails
// the count that was found says why.
func (sb *Subscriptions) Take(ctx context.Context, what string, limit subscribe.Cap, now time.Time) (time.Duration, error) {
	if limit.N < 1 || limit.Per <= 0 {
		return 0, fmt.Errorf("take %s: %w", what, incident.Invalid("cap", "must allow something"))
	}
	k := keyLimit(what)
	by, err := sb.marked.token()
	if err != nil {
		return 0, err
	}
	for range takeTries {
		found, ok, err := sb.use(ctx, k, by, limit.N, now)
		if ok || err != nil {
			return 0, err
		}
		if end := endOf(found); now.Before(end) {
			return end.Sub(now), nil
		}
		if ok, err := sb.begin(ctx, k, by, found, now.Add(limit.Per)); ok || err != nil {
			return 0, err
		}
	}
	return 0, fmt.Errorf("take %s: others were faster %d times: %w", what, takeTries, incident.ErrConflict)
}

// use counts one use in a span that is open and has room, or answers the count
// as it is; nil where there is none.
func (sb *Subscriptions) use(ctx context.Context, k key, by string, room int, now time.Time) (found item, ok bool, err error) {
	_, err = sb.change(ctx, &dynamodb.UpdateItemInput{
		TableName: aws.String(sb.tables.Subscribers), Key: k.item(),
		UpdateExpression:         aws.String("SET #used = #used + :one, #by = :by"),
		ConditionExpression:      aws.String("#used < :room AND #end > :now AND #by <> :by"),
		ExpressionAttributeNames: map[string]string{"#used": attrUsed, "#end": attrEnd, "#by": attrBy},
		ExpressionAttributeValues: item{
			":one": number(1), ":room": number(int64(room)), ":now": number(nanos(now)), ":by": text(by),
		},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	return counted(by, err)
}

// begin counts the first use of a new span, unless the count is no longer as it
// was found.
func (sb *Subscriptions) begin(ctx context.Context, k key, by string, found item, end time.Time) (ok bool, err error) {
	it := k.item()
	it[attrUsed], it[attrEnd], it[attrBy], it[TTL] = number(1), number(nanos(end)), text(by), seconds(end)
	cond := absent()
	if len(found) > 0 {
		cond = equals(attrEnd, number(nanos(endOf(found))))
	}
	_, err = sb.marked.put(ctx, &dynamodb.PutItemInput{
		TableName: aws.String(sb.tables.Subscribers), Item: it, ConditionExpression: cond.of(),
		ExpressionAttributeNames: cond.names, ExpressionAttributeValues: cond.values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	_, ok, err = counted(by, err)
	return ok, err
}

// counted reports whether a use was counted, be it by a try whose answer was
// lost, and otherwise answers the count as it is.
func counted(by string, err error) (found item, ok bool, _ error) {
	if refused, is := errors.AsType[*types.ConditionalCheckFailedException](err); is {
		return refused.Item, textOf(refused.Item, attrBy) == by, nil
	}
	return nil, err == nil, mapped("count a use", err)
}

// endOf answers when the span of a count ends; the zero time where there is none.
func endOf(it item) time.Time {
	n, ok := it[attrEnd].(*types.AttributeValueMemberN)
	if !ok {
		return time.Time{}
	}
	at, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(0, at).UTC()
}
