package template

import (
	"maps"
	"slices"
	"strings"
)

// nowhere lists the actions that have no resource level, and why a role of ours
// has them. Nothing else may be allowed on "*".
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
var nowhere = map[string]string{
	"xray:PutTraceSegments":               "tracing; X-Ray has no resource for a trace",
	"xray:PutTelemetryRecords":            "tracing, likewise",
	"ses:GetAccount":                      "the rate and the quota belong to the account",
	"sns:GetSMSAttributes":                "the spend limit belongs to the account",
	"sns:GetSMSSandboxAccountStatus":      "the sandbox belongs to the account",
	"sms-voice:DescribeSpendLimits":       "the spend limit belongs to the account",
	"sms-voice:DescribeAccountAttributes": "the sandbox belongs to the account",
}

// partly lists the resources that are named in part, and why.
var partly = map[string]string{
	"arn:aws:ses:" + Region + ":" + Account + ":identity/*":                               "the plan names the sender, and the sandbox checks the receiver's identity too",
	"arn:aws:secretsmanager:" + Region + ":" + Account + ":secret:shirase/" + Name + "/*": "the plan names the secrets",
}

// roles: P1.
func roles(s *Stack, found report) {
	owner := map[string]string{}
	for _, f := range s.Functions() {
		role := named(f.Text("Role"))
		if s.resources[role].Type != "AWS::IAM::Role" {
			found(f.Name, "has no role of this template")
		}
		if other := owner[role]; other != "" {
			found(f.Name, "shares a role with %s", other)
		}
		owner[role] = f.Name
	}
	for _, role := range s.ours() {
		if s.resources[role].Get("ManagedPolicyArns") != nil {
			found(role, "has a managed policy, which grants on everything")
		}
		for _, st := range s.grants(role) {
			wild(st, found)
		}
	}
}

func wild(st statement, found report) {
	name := st.resource.Name
	if st.effect != "Allow" {
		return
	}
	if len(st.notActions) > 0 {
		found(name, "allows all but some actions")
	}
	for _, a := range st.actions {
		if strings.Contains(a, "*") {
			found(name, "allows %s", a)
		}
	}
	if len(st.notOn) > 0 && !phones(st) {
		found(name, "allows on all but some resources")
	}
	for _, on := range st.on {
		switch {
		case on == "*":
			for _, a := range st.actions {
				if nowhere[a] == "" {
					found(name, "allows %s on everything", a)
				}
			}
		case strings.Contains(on, "*") && partly[on] == "":
			found(name, "allows on %s, which is not listed", on)
		}
	}
}

// phones reports whether a statement allows SMS and nothing else: a number has no
// ARN, so that it is everything but topics.
// https://docs.aws.amazon.com/sns/latest/dg/sms_publish-to-phone.html
func phones(st statement) bool {
	return slices.Equal(st.actions, []string{"sns:Publish"}) && slices.Equal(st.notOn, []string{"arn:aws:sns:*:*:*"})
}

// principals: P2.
func principals(s *Stack, found report) {
	for _, role := range s.ours() {
		for _, st := range s.grants(role) {
			if slices.Contains(st.actions, "iam:PassRole") {
				found(st.resource.Name, "allows iam:PassRole")
			}
		}
	}
	for _, st := range s.resourcePolicies() {
		if st.effect == "Allow" && (st.everybody || st.notPrincipal) {
			found(st.resource.Name, "lets everybody in")
		}
	}
}

// sources: P4. A key's policy is P5's, and Lambda takes the roles of functions
// only on behalf of whoever may pass them.
func sources(s *Stack, found report) {
	for _, st := range s.resourcePolicies() {
		if st.effect != "Allow" || len(st.services) == 0 || st.resource.Type == "AWS::KMS::Key" ||
			st.trusted && slices.Equal(st.services, []string{"lambda.amazonaws.com"}) {
			continue
		}
		arns := st.conditions["aws:sourcearn"]
		if !slices.Equal(st.conditions["aws:sourceaccount"], []string{Account}) && !s.holds(arns) {
			found(st.resource.Name, "lets %s in for any account", strings.Join(st.services, ", "))
		}
		if len(arns) == 0 || slices.Contains(arns, "*") {
			found(st.resource.Name, "lets %s in for any source", strings.Join(st.services, ", "))
		}
	}
}

// holds reports whether ARNs name the account themselves, or a resource of the
// stack. Then it need not be asked for beside them, and better is not: not every
// service says for whom it comes.
func (s *Stack) holds(arns []string) bool {
	for _, arn := range arns {
		_, own := s.resources[named(arn)]
		if part := strings.Split(arn, ":"); !own && (len(part) < 6 || part[4] != Account) {
			return false
		}
	}
	return len(arns) > 0
}

// keyed says by which property each kind of store names its key.
var keyed = map[string][]string{
	"AWS::DynamoDB::Table":        {"SSESpecification", "KMSMasterKeyId"},
	"AWS::SQS::Queue":             {"KmsMasterKeyId"},
	"AWS::SNS::Topic":             {"KmsMasterKeyId"},
	"AWS::Logs::LogGroup":         {"KmsKeyId"},
	"AWS::SecretsManager::Secret": {"KmsKeyId"},
}

// keys: P5.
func keys(s *Stack, found report) {
	own := s.Of("AWS::KMS::Key")
	for _, kind := range slices.Sorted(maps.Keys(keyed)) {
		for _, r := range s.Of(kind) {
			key := r.Text(keyed[kind]...)
			switch {
			case len(own) == 0 && key != "":
				// A key of AWS lets no service in: CloudWatch could not publish.
				found(r.Name, "names the key %s, which is not of this template", key)
			case len(own) > 0 && named(key) != own[0].Name:
				found(r.Name, "does not use the key")
			case len(own) == 0 && kind == "AWS::SQS::Queue" && r.Get("SqsManagedSseEnabled") != true:
				found(r.Name, "is not encrypted")
			}
		}
	}
	for _, k := range own {
		if k.Get("EnableKeyRotation") != true {
			found(k.Name, "does not rotate")
		}
		services(k, found)
	}
}

// services looks whether a key lets in the services that put things on encrypted
// topics and queues. Without that they drop them and say nothing.
func services(k Resource, found report) {
	use := map[string]bool{}
	for _, st := range statements(k, k.Get("KeyPolicy"), false) {
		if st.effect != "Allow" || !slices.Contains(st.actions, "kms:Decrypt") || !slices.Contains(st.actions, "kms:GenerateDataKey*") {
			continue
		}
		for _, service := range st.services {
			// EventBridge sends no source with what it asks; whether SNS does nobody says.
			bare := service == "events.amazonaws.com" || service == "sns.amazonaws.com"
			if bare == (len(st.conditions) == 0) {
				use[service] = true
			}
		}
	}
	for _, service := range []string{"cloudwatch", "events", "ses", "sns"} {
		if !use[service+".amazonaws.com"] {
			found(k.Name, "does not let %s use it, or lets it under the wrong condition", service)
		}
	}
}

// change are the beginnings of actions that change what is deployed.
var change = []string{
	"Add", "Associate", "Attach", "Create", "Delete", "Deploy", "Detach", "Disable", "Enable", "Import",
	"Modify", "Put", "Register", "Remove", "Restore", "Set", "Subscribe", "Tag", "Unsubscribe", "Untag", "Update",
}

// data are the actions that begin like that and only change data.
var data = map[string]bool{
	"dynamodb:DeleteItem": true, "dynamodb:PutItem": true, "dynamodb:UpdateItem": true, "sqs:DeleteMessage": true,
	"logs:CreateLogStream": true, "logs:PutLogEvents": true, "xray:PutTraceSegments": true, "xray:PutTelemetryRecords": true,
	"events:PutEvents": true,
}

// control: P16. An incident is no time to depend on who can create things.
func control(s *Stack, found report) {
	for _, role := range s.ours() {
		for _, st := range s.grants(role) {
			for _, a := range st.actions {
				_, verb, _ := strings.Cut(a, ":")
				if !data[a] && slices.ContainsFunc(change, func(c string) bool { return strings.HasPrefix(verb, c) }) {
					found(st.resource.Name, "allows %s", a)
				}
			}
		}
	}
}
