package dynamo

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"shirase/internal/incident"
)

// The reasons for which a transaction is given up: its conditions, another
// transaction on the same items, or want of capacity
// (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html).
const (
	reasonCondition = "ConditionalCheckFailed"
	reasonConflict  = "TransactionConflict"
	reasonThrottle  = "ThrottlingError"
	reasonCapacity  = "ProvisionedThroughputExceeded"
)

// mapped answers an error of DynamoDB as one of ours. A condition that did not
// hold, or another transaction on the same items, is [incident.ErrConflict]: the
// caller reads again and decides anew. All else stays as it is, and is worth
// another try. The text of an answer can hold the item, so a conflict leaves it out.
func mapped(doing string, err error) error {
	if err == nil {
		return nil
	}
	if why, ok := conflicting(err); ok {
		return fmt.Errorf("%s: %s: %w", doing, why, incident.ErrConflict)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// conflicting reports whether an error is a conflict, and which.
func conflicting(err error) (why string, ok bool) {
	switch {
	case is[*types.ConditionalCheckFailedException](err):
		return "a condition did not hold", true
	case is[*types.TransactionConflictException](err):
		return "a transaction holds the item", true
	case is[*types.TransactionInProgressException](err):
		return "the transaction is being made", true
	case is[*types.IdempotentParameterMismatchException](err):
		return "the transaction's token was used for another", true
	}
	return "", false
}

// refused answers the error of a transaction. A conflict says which kind of
// record it was about, and no more of it.
func refused(ws []types.TransactWriteItem, err error) error {
	doing := fmt.Sprintf("make %d writes", len(ws))
	e, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok {
		return mapped(doing, err)
	}
	for n, r := range e.CancellationReasons {
		if n >= len(ws) || r.Code == nil {
			continue
		}
		switch *r.Code {
		case reasonCondition:
			return fmt.Errorf("%s: the condition on %s did not hold: %w", doing, keyOfWrite(ws[n]).kind(), incident.ErrConflict)
		case reasonConflict:
			return fmt.Errorf("%s: another transaction holds %s: %w", doing, keyOfWrite(ws[n]).kind(), incident.ErrConflict)
		}
	}
	return mapped(doing, err)
}

// throttled reports whether a transaction was given up for want of capacity
// alone. The SDK tries again only what is throttled as a whole.
func throttled(err error) bool {
	e, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok {
		return false
	}
	short := false
	for _, r := range e.CancellationReasons {
		switch aws.ToString(r.Code) {
		case reasonThrottle, reasonCapacity:
			short = true
		case "", "None":
		default:
			return false
		}
	}
	return short
}

func keyOfWrite(w types.TransactWriteItem) key {
	switch {
	case w.Put != nil:
		return keyOf(w.Put.Item)
	case w.Update != nil:
		return keyOf(w.Update.Key)
	case w.Delete != nil:
		return keyOf(w.Delete.Key)
	case w.ConditionCheck != nil:
		return keyOf(w.ConditionCheck.Key)
	}
	return key{}
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
