//go:build contract

package dynamo_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// knownGaps are what an engine does otherwise than DynamoDB, as far as it
// concerns this package, and how the tests cope. Each is looked for, so that
// this list stays true as the engines change.
//
// No engine ever leaves keys unread, refuses a transaction for another one or
// for want of capacity, or answers an old item: those stand in db_test.go,
// errors_test.go and reads_test.go, against a stub. Moto undoes the writes of
// others when it gives a transaction up: its launcher lets one call in at a time.
var knownGaps = []struct {
	name    string
	engines []string
	found   func(x engine) bool
	cope    string
}{
	{
		name:    "a token makes no transaction a second try",
		engines: []string{"moto"}, found: tokenIgnored,
		cope: "changes carry conditions of their own, which AWS needs as well after ten minutes",
	},
	{
		name:    "a page has more than a megabyte",
		engines: []string{"ministack"}, found: hugePage,
		cope: "TestListGoesThroughPages answers pages that end early",
	},
}

func TestKnownGaps(t *testing.T) {
	t.Parallel()
	for name, api := range clients(t) {
		for _, g := range knownGaps {
			t.Run(name+"/"+g.name, func(t *testing.T) {
				t.Parallel()
				got := g.found(engine{t, api, fresh(t, api).Incidents})
				if want := slices.Contains(g.engines, name); got != want {
					t.Errorf("found on %s: %t, want %t; where it is: %s", name, got, want, g.cope)
				}
			})
		}
	}
}

// engine is one table of an engine.
type engine struct {
	t     *testing.T
	api   *dynamodb.Client
	table string
}

func (x engine) must(err error) {
	x.t.Helper()
	if err != nil {
		x.t.Fatal(err)
	}
}

type values = map[string]types.AttributeValue

func named(sk string) values {
	return values{"pk": &types.AttributeValueMemberS{Value: "P"}, "sk": &types.AttributeValueMemberS{Value: sk}}
}

// count adds one to a number, in a transaction.
func (x engine) count() types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{
		TableName: aws.String(x.table), Key: named("n"), UpdateExpression: aws.String("ADD n :one"),
		ExpressionAttributeValues: values{":one": &types.AttributeValueMemberN{Value: "1"}},
	}}
}

func tokenIgnored(x engine) bool {
	x.t.Helper()
	for range 2 {
		_, err := x.api.TransactWriteItems(x.t.Context(), &dynamodb.TransactWriteItemsInput{
			ClientRequestToken: aws.String("the-same"), TransactItems: []types.TransactWriteItem{x.count()},
		})
		x.must(err)
	}
	out, err := x.api.GetItem(x.t.Context(), &dynamodb.GetItemInput{TableName: aws.String(x.table), Key: named("n")})
	x.must(err)
	return out.Item["n"].(*types.AttributeValueMemberN).Value == "2"
}

func hugePage(x engine) bool {
	x.t.Helper()
	for n := range 3 {
		it := named(fmt.Sprint(n))
		it["body"] = &types.AttributeValueMemberS{Value: strings.Repeat("x", 390<<10)}
		_, err := x.api.PutItem(x.t.Context(), &dynamodb.PutItemInput{TableName: aws.String(x.table), Item: it})
		x.must(err)
	}
	out, err := x.api.Query(x.t.Context(), &dynamodb.QueryInput{
		TableName: aws.String(x.table), KeyConditionExpression: aws.String("pk = :pk"),
		ExpressionAttributeValues: values{":pk": &types.AttributeValueMemberS{Value: "P"}},
	})
	x.must(err)
	return len(out.LastEvaluatedKey) == 0
}
