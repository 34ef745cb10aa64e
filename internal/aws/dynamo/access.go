package dynamo

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"shirase/internal/access"
	"shirase/internal/incident"
	records "shirase/internal/record"
)

// Access keeps API keys in the table incidents. It implements access.Store.
type Access struct {
	db    db
	put   putItem
	del   deleteItem
	table string
}

// NewAccess makes the keys of the tables.
func NewAccess(api *dynamodb.Client, tables Tables) *Access {
	return &Access{newDB(api), api.PutItem, api.DeleteItem, tables.Incidents}
}

// Load implements access.Store.
func (a *Access) Load(ctx context.Context, id string) (access.Key, error) {
	it, err := a.db.get(ctx, a.table, keyAPIKey(id))
	if err != nil {
		return access.Key{}, err
	}
	r, ok, err := decode[records.Key](it)
	switch {
	case err != nil:
		return access.Key{}, err
	case !ok:
		return access.Key{}, fmt.Errorf("key: %w", incident.ErrNotFound)
	}
	return r.Key()
}

// Add implements access.Store.
func (a *Access) Add(ctx context.Context, k access.Key) error {
	it, err := record(keyAPIKey(k.ID), records.NewKey(k))
	if err != nil {
		return err
	}
	_, err = a.put(ctx, &dynamodb.PutItemInput{
		TableName: aws.String(a.table), Item: it, ConditionExpression: absent().of(),
	})
	return mapped("write API key", err)
}

// List implements access.Store.
func (a *Access) List(ctx context.Context) ([]access.Key, error) {
	its, _, err := a.db.list(ctx, a.table, pkAPIKeys, skAPIKeys, "", 0, nil)
	if err != nil {
		return nil, err
	}
	rs, err := decodeAll[records.Key](its)
	if err != nil {
		return nil, err
	}
	return records.Keys(rs)
}

// Delete implements access.Store.
func (a *Access) Delete(ctx context.Context, id string) error {
	return a.del.remove(ctx, a.table, keyAPIKey(id))
}
