package template_test

import (
	"os"
	"strings"
	"testing"

	"shirase/infra/template"
)

// TestEachMistakeIsFound makes one mistake at a time in the template that ships,
// and looks whether the rule that is to find it does.
func TestEachMistakeIsFound(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ rule, name, from, to string }{
		{"P1", "all tables", "Resource: !GetAtt IncidentsTable.Arn", `Resource: "*"`},
		{"P1", "any topic", `NotResource: !Sub "arn:${AWS::Partition}:sns:*:*:*"`, `Resource: "*"`},
		{"P1", "two functions, one role", "Role: !GetAtt ApiRole.Arn", "Role: !GetAtt AlarmRole.Arn"},
		{"P2", "everybody", "Principal: {Service: cloudwatch.amazonaws.com}", `Principal: "*"`},
		{"P4", "an API of any account", "execute-api:${AWS::Region}:${AWS::AccountId}:${HttpApi}/*", "execute-api:${AWS::Region}:*:${HttpApi}/*"},
		{"P4", "any topic", `ArnEquals: {"aws:SourceArn": !Ref AlarmTopic}`, `StringLike: {"aws:PrincipalAccount": x}`},
		{"P5", "clear text", `SqsManagedSseEnabled: !If [Keyed, !Ref "AWS::NoValue", true]`, "SqsManagedSseEnabled: false"},
		{"P6", "table goes with the stack", "DeletionPolicy: Retain\n", "DeletionPolicy: Delete\n"},
		{"P6", "no backups", "PointInTimeRecoveryEnabled: true", "PointInTimeRecoveryEnabled: false"},
		{"P8", "fan-out gives up", "maxReceiveCount: 1000", "maxReceiveCount: 10"},
		{"P8", "whole batches fail", "FunctionResponseTypes: [ReportBatchItemFailures]", "Enabled: true"},
		{"P8", "no dead letters of a rule", "DeadLetterConfig: {Arn: !GetAtt UndeliveredQueue.Arn}", "InputPath: $"},
		{"P8", "no dead letters of a topic", "RedrivePolicy: {deadLetterTargetArn: !GetAtt UndeliveredQueue.Arn}", "Region: x"},
		{"P8", "alarms are dropped", "OnFailure: {Type: SQS, Destination: !GetAtt AlarmQueue.Arn}", "OnSuccess: {Type: SQS, Destination: !GetAtt AlarmQueue.Arn}"},
		{"P8", "SNS is not let in", "Queues: [!Ref FanOutQueue]\n      PolicyDocument:\n        Version: \"2012-10-17\"\n        Statement:\n          - Sid: Updates\n            Effect: Allow\n            Principal: {Service: sns.amazonaws.com}", "Queues: [!Ref FanOutQueue]\n      PolicyDocument:\n        Version: \"2012-10-17\"\n        Statement:\n          - Sid: Updates\n            Effect: Allow\n            Principal: {Service: ses.amazonaws.com}"},
		{"P9", "parking is not watched", "Value: !GetAtt ParkingQueue.QueueName", "Value: !GetAtt IntakeDeadQueue.QueueName"},
		{"P9", "alarms go nowhere", "AlarmActions: [!Ref OperatorsTopic]", "AlarmActions: []"},
		{"P9", "alarms go through us", "AlarmActions: [!Ref OperatorsTopic]", "AlarmActions: [!Ref AlarmTopic]"},
		{"P9", "what comes late is never seen", "EvaluationPeriods: 5\n      DatapointsToAlarm: 1\n", "EvaluationPeriods: 1\n"},
		{"P9", "what is received again and again", "{Name: function, Value: delivery}", "{Name: function, Value: due}"},
		{"P9", "bounces", "MetricName: Reputation.BounceRate", "MetricName: Bounce"},
		{"P9", "the name of our own", "AlarmName: !Sub \"${AWS::StackName}-dead\"", "AlarmName: dead"},
		{"P10", "logs for ever", "RetentionInDays: !Ref LogDays", "SkipDestroy: true"},
		{"P11", "text", "LogFormat: JSON", "LogFormat: Text"},
		{"P12", "a secret in a variable", "SHIRASE_ROOT_SECRET: !Ref RootSecret", "SHIRASE_ROOT_SECRET: kT9vZq2LxWm48RbYcP6s"},
		{"P13", "every path", "RouteKey: ANY /i/{id}", "RouteKey: $default"},
		{"P13", "not throttled", "\"ANY /subscribe\": {ThrottlingRateLimit", "\"ANY /subscribed\": {ThrottlingRateLimit"},
		{"P13", "tokens in the log", "$context.routeKey", "$context.path"},
		{"P14", "lease", "SHIRASE_LEASE: 50s", "SHIRASE_LEASE: 60s"},
		{"P14", "visibility", "VisibilityTimeout: 390", "VisibilityTimeout: 360"},
		{"P14", "held back", "ScalingConfig: {MaximumConcurrency: 20}\n\n  AlarmRole", "ScalingConfig: {MaximumConcurrency: 2}\n\n  AlarmRole"},
		{"P14", "a storm takes all", "ScalingConfig: {MaximumConcurrency: 20}\n\n  AlarmRole", "Enabled: true\n\n  AlarmRole"},
		{"P15", "x86", "Architectures: [arm64]", "Architectures: [x86_64]"},
		{"P16", "topics are made in an incident", "Action: sns:Publish\n                NotResource", "Action: [sns:CreateTopic, sns:Publish]\n                NotResource"},
	} {
		t.Run(c.rule+" "+c.name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(string(whole), c.from) {
				t.Fatalf("the template does not hold %q any more", c.from)
			}
			doc, err := template.Parse([]byte(strings.Replace(string(whole), c.from, c.to, 1)))
			if err != nil {
				t.Fatal(err)
			}
			s, err := doc.Resolve(map[string]string{"OperatorEmail": "ops@example.test"})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range template.Check(s) {
				if f.Rule == c.rule {
					return
				}
			}
			t.Errorf("Check(template with %q) finds nothing by %s", c.to, c.rule)
		})
	}
}
