package dynamo

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// putItem is the client's call that writes a single item.
type putItem func(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)

// whole writes a whole item without a condition. It may be done twice.
func (p putItem) whole(ctx context.Context, table string, it item) error {
	_, err := p(ctx, &dynamodb.PutItemInput{TableName: aws.String(table), Item: it})
	return mapped("write "+keyOf(it).kind(), err)
}

// deleteItem is the client's call that deletes a single item.
type deleteItem func(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)

// remove deletes an item, whether it is there or not.
func (d deleteItem) remove(ctx context.Context, table string, k key) error {
	_, err := d(ctx, &dynamodb.DeleteItemInput{TableName: aws.String(table), Key: k.item()})
	return mapped("delete "+k.kind(), err)
}

// updateItem is the client's call that changes a single item in its place.
type updateItem func(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)

// marked writes single items that bear a token of the call that wrote them last.
type marked struct {
	put    putItem
	tokens dynamodb.IdempotencyTokenProvider
}

func newMarked(api *dynamodb.Client) marked {
	return marked{api.PutItem, api.Options().IdempotencyTokenProvider}
}

// token answers one for a single call. The client makes those of transactions
// by the same means.
func (m marked) token() (string, error) {
	by, err := m.tokens.GetIdempotencyToken()
	if err != nil {
		return "", fmt.Errorf("make a token: %w", err)
	}
	return by, nil
}
