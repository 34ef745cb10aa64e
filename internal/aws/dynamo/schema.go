package dynamo

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Tables are the names of the tables.
type Tables struct {
	Incidents, Subscribers, Deliveries string
}

// TTL is the attribute of all three tables that says, in seconds since 1970,
// when DynamoDB may delete an item. It does so days late, so that readers look
// at the time themselves
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html).
const TTL = "ttl"

// Index is the name of the one index of the tables that have one.
const Index = "index"

// The attributes that are not the business of one kind of record.
const (
	attrPK   = "pk"
	attrSK   = "sk"
	attrGPK  = "gpk" // in the index only where an item has it
	attrGSK  = "gsk"
	attrBody = "body"
)

// Schema answers the tables as CreateTable takes them, incidents first. Backups,
// deletion protection and the time to live are set apart from it. Keys are all
// that the index holds: whatever it answers is read from the table.
func Schema(t Tables) []*dynamodb.CreateTableInput {
	return []*dynamodb.CreateTableInput{
		table(t.Incidents, true), table(t.Subscribers, true), table(t.Deliveries, false),
	}
}

func table(name string, indexed bool) *dynamodb.CreateTableInput {
	in := &dynamodb.CreateTableInput{
		TableName:            aws.String(name),
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: definitions(attrPK, attrSK),
		KeySchema:            schema(attrPK, attrSK),
	}
	if !indexed {
		return in
	}
	in.AttributeDefinitions = definitions(attrPK, attrSK, attrGPK, attrGSK)
	in.GlobalSecondaryIndexes = []types.GlobalSecondaryIndex{{
		IndexName:  aws.String(Index),
		KeySchema:  schema(attrGPK, attrGSK),
		Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
	}}
	return in
}

func definitions(names ...string) (ds []types.AttributeDefinition) {
	for _, n := range names {
		ds = append(ds, types.AttributeDefinition{AttributeName: aws.String(n), AttributeType: types.ScalarAttributeTypeS})
	}
	return ds
}

func schema(hash, sort string) []types.KeySchemaElement {
	return []types.KeySchemaElement{
		{AttributeName: aws.String(hash), KeyType: types.KeyTypeHash},
		{AttributeName: aws.String(sort), KeyType: types.KeyTypeRange},
	}
}
