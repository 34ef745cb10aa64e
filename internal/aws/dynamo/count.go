package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"shirase/internal/incident"
)

// Count implements [shirase/internal/ready.Counter]. It asks for no items, but
// DynamoDB reads them all the same: half a read for each 4 KB, eventually
// consistent, a page of a megabyte at a time. So it is for who asks rarely
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Other.html#Query.Count).
func (b *Book) Count(ctx context.Context, a incident.Audience, c incident.Channel) (int, error) {
	n := 0
	for shard := range b.shards {
		in := &dynamodb.QueryInput{
			TableName: aws.String(b.table), Select: types.SelectCount,
			KeyConditionExpression: aws.String("pk = :pk AND sk BETWEEN :from AND :to"),
			ExpressionAttributeValues: item{
				":pk": text(pkShard(a, shard)), ":from": text(skShardOn(c)), ":to": text(beyond(skShardOn(c))),
			},
		}
		for {
			out, err := b.db.find(ctx, in)
			if err != nil {
				return 0, mapped("count subscribers", err)
			}
			n += int(out.Count)
			if len(out.LastEvaluatedKey) == 0 {
				break
			}
			in.ExclusiveStartKey = out.LastEvaluatedKey
		}
	}
	return n, nil
}
