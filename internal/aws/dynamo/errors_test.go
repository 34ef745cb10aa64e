package dynamo

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"shirase/internal/incident"
)

const private = "taro@minato.test"

// reasons are those of a canceled transaction, one for each action.
func reasons(codes ...string) object {
	rs := []object{}
	for _, c := range codes {
		rs = append(rs, object{"Code": c, "Message": "about " + private, "Item": object{attrBody: str(private)}})
	}
	return object{"CancellationReasons": rs}
}

func put(k key) types.TransactWriteItem {
	it := k.item()
	it[attrBody] = text(private)
	return types.TransactWriteItem{Put: &types.Put{TableName: aws.String("tab"), Item: it}}
}

func TestErrorsOfTransactions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		fault    string
		more     object
		conflict bool
		says     string
	}{
		{"condition", "TransactionCanceledException", reasons("None", reasonCondition), true, "the condition on V did not hold"},
		{"other transaction", "TransactionCanceledException", reasons("None", reasonConflict), true, "another transaction holds V"},
		{"both", "TransactionCanceledException", reasons(reasonThrottle, reasonCondition), true, "the condition on V"},
		{"not valid", "TransactionCanceledException", reasons("None", "ValidationError"), false, ""},
		{"conflict", "TransactionConflictException", nil, true, ""},
		{"single condition", "ConditionalCheckFailedException", object{"Item": object{attrBody: str(private)}}, true, ""},
		{"token used for another", "IdempotentParameterMismatchException", nil, true, ""},
		{"no such table", "ResourceNotFoundException", nil, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			api, s := stubbed(t, func(int, stubCall) (int, object) { return fault(c.fault, c.more) })
			d, slept := waits(newDB(api))
			err := d.transact(t.Context(), []types.TransactWriteItem{put(keyMeta("i-1")), put(keyDue("d-1"))})
			if err == nil || errors.Is(err, incident.ErrConflict) != c.conflict {
				t.Errorf("transact() = %v, want an error, a conflict: %t", err, c.conflict)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("transact() = %v, want it to say %q", err, c.says)
			}
			if strings.Contains(err.Error(), private) {
				t.Errorf("transact() = %v, which holds an item", err)
			}
			if len(s.seen()) != 1 || len(*slept) != 0 {
				t.Errorf("transact() called %d times, want once", len(s.seen()))
			}
		})
	}
}

// A transaction that is still being made is a conflict once the SDK has stopped
// asking.
func TestTransactionInProgress(t *testing.T) {
	t.Parallel()
	err := mapped("make 1 writes", &types.TransactionInProgressException{})
	if !errors.Is(err, incident.ErrConflict) {
		t.Errorf("mapped(TransactionInProgressException) = %v, want ErrConflict", err)
	}
}

// The SDK does not try again what was given up for want of capacity.
func TestThrottledTransactionsAreTriedAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		until int // the try that goes through
		calls int
		ok    bool
	}{{"for a while", 3, 3, true}, {"for good", 99, transactTries, false}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			api, s := stubbed(t, func(n int, _ stubCall) (int, object) {
				if n+1 >= c.until {
					return http.StatusOK, object{}
				}
				return fault("TransactionCanceledException", reasons("None", reasonThrottle, reasonCapacity))
			})
			d, slept := waits(newDB(api))
			err := d.transact(t.Context(), []types.TransactWriteItem{put(keyMeta("i-1"))})
			if (err == nil) != c.ok || errors.Is(err, incident.ErrConflict) {
				t.Errorf("transact() = %v, want success: %t, and no conflict", err, c.ok)
			}
			want := []time.Duration{firstWait, 2 * firstWait, 4 * firstWait, 8 * firstWait}[:c.calls-1]
			if len(s.seen()) != c.calls || !slices.Equal(*slept, want) {
				t.Errorf("transact() called %d times and waited %v, want %d and %v", len(s.seen()), *slept, c.calls, want)
			}
			tokens := map[any]bool{}
			for _, call := range s.seen() {
				tokens[call.input["ClientRequestToken"]] = true
			}
			if len(tokens) != c.calls {
				t.Errorf("%d calls had %d tokens, want one each: what was given up was not made", c.calls, len(tokens))
			}
		})
	}
}

// A call whose answer is lost is made again by the SDK under the same token, so
// that it is made once.
func TestSecondTriesOfTheSDKCarryTheSameToken(t *testing.T) {
	t.Parallel()
	api, s := stubbed(t, func(n int, _ stubCall) (int, object) {
		if n == 0 {
			return http.StatusInternalServerError, object{"__type": "com.amazonaws.dynamodb.v20120810#InternalServerError"}
		}
		return http.StatusOK, object{}
	})
	if err := newDB(api).transact(t.Context(), []types.TransactWriteItem{put(keyMeta("i-1"))}); err != nil {
		t.Fatal(err)
	}
	calls := s.seen()
	if len(calls) != 2 || calls[0].input["ClientRequestToken"] == nil || calls[0].input["ClientRequestToken"] != calls[1].input["ClientRequestToken"] {
		t.Errorf("%d calls, want two with the same token", len(calls))
	}
}

func TestTooManyWrites(t *testing.T) {
	t.Parallel()
	api, s := stubbed(t, func(int, stubCall) (int, object) { return http.StatusOK, object{} })
	ws := make([]types.TransactWriteItem, maxActions+1)
	for n := range ws {
		ws[n] = put(key{"P", keyNumber(n)})
	}
	if err := newDB(api).transact(t.Context(), ws); !errors.Is(err, incident.ErrInvalid) || !strings.Contains(err.Error(), "101") {
		t.Errorf("transact(101 writes) = %v, want ErrInvalid that says so", err)
	}
	if err := newDB(api).transact(t.Context(), ws[1:]); err != nil {
		t.Errorf("transact(100 writes) = %v, want none", err)
	}
	if n := len(s.seen()); n != 1 {
		t.Errorf("DynamoDB was called %d times, want once", n)
	}
}
