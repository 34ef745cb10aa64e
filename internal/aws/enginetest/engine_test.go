//go:build contract

package enginetest_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"shirase/internal/aws/enginetest"
)

func TestEnginesAnswer(t *testing.T) {
	t.Parallel()
	for name, config := range enginetest.All(t) {
		client := sqs.NewFromConfig(config)
		if _, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("probe")}); err != nil {
			t.Errorf("%s: CreateQueue = %v", name, err)
		}
	}
}
