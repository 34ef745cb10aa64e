package template

import (
	"maps"
	"slices"
	"strings"
)

// A statement is one statement of a policy.
type statement struct {
	resource              Resource // it stands in
	effect                string
	actions, notActions   []string
	on, notOn             []string
	services, accounts    []string
	everybody             bool
	conditions            map[string][]string // by key, whatever the operator
	notPrincipal, trusted bool                // trusted: it says who may take a role
}

func statements(r Resource, document any, trusted bool) []statement {
	var out []statement
	for _, st := range items(at(document, "Statement")) {
		s := statement{
			resource: r, effect: text(at(st, "Effect")), trusted: trusted,
			actions: texts(at(st, "Action")), notActions: texts(at(st, "NotAction")),
			on: texts(at(st, "Resource")), notOn: texts(at(st, "NotResource")),
			services: texts(at(st, "Principal", "Service")), accounts: texts(at(st, "Principal", "AWS")),
			everybody: at(st, "Principal") == "*", notPrincipal: at(st, "NotPrincipal") != nil,
			conditions: map[string][]string{},
		}
		s.everybody = s.everybody || slices.Contains(s.accounts, "*")
		operators, _ := at(st, "Condition").(map[string]any)
		for _, operator := range slices.Sorted(maps.Keys(operators)) {
			keys, _ := operators[operator].(map[string]any)
			for _, key := range slices.Sorted(maps.Keys(keys)) {
				s.conditions[strings.ToLower(key)] = append(s.conditions[strings.ToLower(key)], texts(keys[key])...)
			}
		}
		out = append(out, s)
	}
	return out
}

// resourcePolicies answers the statements that let others in: to queues, topics,
// buses, buckets, keys and roles, and to functions.
func (s *Stack) resourcePolicies() []statement {
	var out []statement
	for _, r := range s.Of("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy", "AWS::S3::BucketPolicy") {
		out = append(out, statements(r, r.Get("PolicyDocument"), false)...)
	}
	for _, r := range s.Of("AWS::KMS::Key") {
		out = append(out, statements(r, r.Get("KeyPolicy"), false)...)
	}
	for _, r := range s.Of("AWS::Events::EventBusPolicy") {
		out = append(out, statements(r, map[string]any{"Statement": r.Get("Statement")}, false)...)
	}
	for _, r := range s.Of("AWS::IAM::Role") {
		out = append(out, statements(r, r.Get("AssumeRolePolicyDocument"), true)...)
	}
	for _, r := range s.Of("AWS::Lambda::Permission") {
		out = append(out, statement{
			resource: r, effect: "Allow", actions: texts(r.Get("Action")), on: texts(r.Get("FunctionName")),
			services: texts(r.Get("Principal")), everybody: r.Get("Principal") == "*",
			conditions: map[string][]string{
				"aws:sourceaccount": texts(r.Get("SourceAccount")), "aws:sourcearn": texts(r.Get("SourceArn")),
			},
		})
	}
	return out
}

// grants answers what a role may do, by policies of its own and by those that are
// attached to it.
func (s *Stack) grants(role string) []statement {
	var out []statement
	r := s.resources[role]
	for _, p := range items(r.Get("Policies")) {
		out = append(out, statements(r, at(p, "PolicyDocument"), false)...)
	}
	for _, p := range s.Of("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy") {
		for _, ref := range texts(p.Get("Roles")) {
			if named(ref) == role {
				out = append(out, statements(p, p.Get("PolicyDocument"), false)...)
			}
		}
	}
	return out
}

// ours answers the roles of the stack, by name.
func (s *Stack) ours() []string {
	var out []string
	for _, r := range s.Of("AWS::IAM::Role") {
		out = append(out, r.Name)
	}
	return out
}
