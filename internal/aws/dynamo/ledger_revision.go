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
)

// The attributes of an item that is decided anew on what is there. Rev counts its
// writes. By is a token of the call that wrote it last: the answer to a write can
// be lost, and then the SDK's second try meets the first
// (https://github.com/aws/aws-sdk-go-v2/issues/1825 is one way; a timeout is
// another). By the token it is known as our own, and not as somebody else's that
// was faster.
const (
	attrRev = "rev"
	attrBy  = "by"
)

// amendTries bounds how often an item is decided anew because somebody else was
// faster. Each time somebody was, so that work is done all the same.
const amendTries = 64

// A revision is a value as it was read or written, and how often it had been
// written by then: 0 where there is none.
type revision[T any] struct {
	value T
	rev   int64
}

// revisionOf reads an item; the zero revision where it is nil.
func revisionOf[T any](it item) (revision[T], error) {
	if len(it) == 0 {
		return revision[T]{}, nil
	}
	v, _, err := decode[T](it)
	if err != nil {
		return revision[T]{}, err
	}
	n, ok := it[attrRev].(*types.AttributeValueMemberN)
	if !ok {
		return revision[T]{}, fmt.Errorf("decode %s record: no revision", keyOf(it).kind())
	}
	rev, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil {
		return revision[T]{}, fmt.Errorf("decode %s record: revision: %w", keyOf(it).kind(), err)
	}
	return revision[T]{v, rev}, nil
}

// A place is where a value is kept, and until when; a zero time means for good.
type place struct {
	table string
	key   key
	until time.Time
}

// swap writes v if the item still is at revision was, and otherwise answers the
// one that it is at. An error leaves open whether it was written.
func swap[T any](ctx context.Context, m marked, p place, was int64, v T) (now revision[T], ok bool, err error) {
	it, err := record(p.key, v)
	if err != nil {
		return now, false, err
	}
	by, err := m.token()
	if err != nil {
		return now, false, err
	}
	it[attrRev], it[attrBy] = number(was+1), text(by)
	if !p.until.IsZero() {
		it[TTL] = seconds(p.until)
	}
	in := &dynamodb.PutItemInput{
		TableName: aws.String(p.table), Item: it, ConditionExpression: aws.String("attribute_not_exists(rev)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if was > 0 {
		in.ConditionExpression = aws.String("rev = :was")
		in.ExpressionAttributeValues = item{":was": number(was)}
	}
	_, err = m.put(ctx, in)
	switch refused, is := errors.AsType[*types.ConditionalCheckFailedException](err); {
	case is && textOf(refused.Item, attrBy) == by: // an earlier try of this call was made
	case is:
		now, err = revisionOf[T](refused.Item)
		return now, false, err
	case err != nil:
		return now, false, mapped("write "+p.key.kind(), err)
	}
	return revision[T]{v, was + 1}, true, nil
}

// amend runs decide on a value and writes what it answers, wherever it says that
// this differs, as long as nobody else was faster: then it decides anew on what
// is there now. It answers the value as it now is. After too many times it gives
// up with [incident.ErrConflict].
func amend[T any](ctx context.Context, m marked, p place, was revision[T], decide func(T) (T, bool)) (revision[T], error) {
	for range amendTries {
		v, changed := decide(was.value)
		if !changed {
			return was, nil
		}
		now, ok, err := swap(ctx, m, p, was.rev, v)
		if ok || err != nil {
			return now, err
		}
		was = now
	}
	return revision[T]{}, fmt.Errorf("write %s: others were faster %d times: %w", p.key.kind(), amendTries, incident.ErrConflict)
}
