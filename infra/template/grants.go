package template

import (
	"maps"
	"slices"
	"strings"
)

// actions says which actions an operation needs, where they are not the one of
// the same name. A transaction needs those of what it holds.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
var actions = map[string][]string{
	"dynamodb.TransactWriteItems":                {},
	"dynamodb.TransactWriteItems/ConditionCheck": {"dynamodb:ConditionCheckItem"},
	"dynamodb.TransactWriteItems/Delete":         {"dynamodb:DeleteItem"},
	"dynamodb.TransactWriteItems/Put":            {"dynamodb:PutItem"},
	"dynamodb.TransactWriteItems/Update":         {"dynamodb:UpdateItem"},

	"sns.PublishBatch":                 {"sns:Publish"},
	"sqs.SendMessageBatch":             {"sqs:SendMessage"},
	"sqs.ChangeMessageVisibilityBatch": {"sqs:ChangeMessageVisibility"},
	"sqs.DeleteMessageBatch":           {"sqs:DeleteMessage"},
	"sesv2.SendEmail":                  {"ses:SendEmail", "ses:SendRawEmail"},
}

// prefixes says how IAM calls a service that the SDK calls differently.
var prefixes = map[string]string{"sesv2": "ses", "pinpointsmsvoicev2": "sms-voice"}

// Needs answers the actions that these operations need, sorted.
func Needs(calls []string) []string {
	out := map[string]bool{}
	for _, c := range calls {
		if as, ok := actions[c]; ok {
			for _, a := range as {
				out[a] = true
			}
			continue
		}
		service, operation, _ := strings.Cut(c, ".")
		if p, ok := prefixes[service]; ok {
			service = p
		}
		out[service+":"+operation] = true
	}
	return slices.Sorted(maps.Keys(out))
}

// runs answers the actions that Lambda needs of the role of a function to run it:
// its log, its traces, its queues, and where it puts what failed.
func (s *Stack) runs(f Resource) map[string]bool {
	out := map[string]bool{
		"logs:CreateLogStream": true, "logs:PutLogEvents": true,
		"xray:PutTelemetryRecords": true, "xray:PutTraceSegments": true,
	}
	for _, m := range s.mappings() {
		if m.function == f.Name {
			out["sqs:ReceiveMessage"], out["sqs:DeleteMessage"], out["sqs:GetQueueAttributes"] = true, true, true
		}
	}
	if s.onFailure(f.Name) != "" {
		out["sqs:SendMessage"] = true
	}
	return out
}

// Grants judges P3 for the functions that are built from one folder, which have
// roles of their own: together they hold what the binary calls, and none holds
// what it does not. Calls are those of [Uses].
func Grants(s *Stack, folder string, calls []string) []Finding {
	needs := Needs(calls)
	var out []Finding
	var names []string
	held := map[string]bool{}
	for _, f := range s.Of(samFunction) {
		if strings.Trim(f.Text("CodeUri"), "/") != folder {
			continue
		}
		names = append(names, f.Name)
		runs := s.runs(f)
		for _, a := range s.allowed(named(f.Text("Role"))) {
			held[a] = true
			if !runs[a] && !slices.Contains(needs, a) {
				out = append(out, Finding{"P3", f.Name, "may " + a + ", which it never calls"})
			}
		}
		for _, a := range slices.Sorted(maps.Keys(runs)) {
			if !slices.Contains(s.allowed(named(f.Text("Role"))), a) {
				out = append(out, Finding{"P3", f.Name, "cannot run without " + a})
			}
		}
	}
	for _, a := range needs {
		if !held[a] {
			out = append(out, Finding{"P3", strings.Join(names, ", "), "calls " + a + " and may not"})
		}
	}
	return out
}

// allowed answers the actions of a role, those on a key of ours left out: whoever
// uses what the key encrypts needs them, and calls none.
func (s *Stack) allowed(role string) []string {
	out := map[string]bool{}
	for _, st := range s.grants(role) {
		for _, a := range st.actions {
			if !strings.HasPrefix(a, "kms:") {
				out[a] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(out))
}
