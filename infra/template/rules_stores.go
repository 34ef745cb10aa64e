package template

import (
	"maps"
	"slices"
	"strings"
)

// passing are the tables whose items all go by themselves and need no backup.
var passing = []string{"DeliveriesTable"}

// tables: P6.
func tables(s *Stack, found report) {
	for _, t := range s.Of("AWS::DynamoDB::Table") {
		reads, writes := t.Number("OnDemandThroughput", "MaxReadRequestUnits"), t.Number("OnDemandThroughput", "MaxWriteRequestUnits")
		restorable := t.Get("PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled") == true
		for _, x := range []struct {
			ok   bool
			what string
		}{
			{t.Text("BillingMode") == "PAY_PER_REQUEST", "is not billed by request"},
			{reads > 0 && writes > 0 && bounded(t), "has no limit to what it may cost"},
			{t.Get("DeletionProtectionEnabled") == true, "can be deleted by mistake"},
			{t.Policy("DeletionPolicy") == "Retain", "goes with the stack"},
			{t.Policy("UpdateReplacePolicy") == "Retain", "goes when it is replaced"},
			{t.Get("TimeToLiveSpecification", "Enabled") == true, "keeps what has passed"},
			{restorable || slices.Contains(passing, t.Name), "has no point to be restored to"},
		} {
			if !x.ok {
				found(t.Name, "%s", x.what)
			}
		}
	}
}

// bounded reports whether the indexes of a table have limits, too.
func bounded(t Resource) bool {
	for _, i := range items(t.Get("GlobalSecondaryIndexes")) {
		if amount(at(i, "OnDemandThroughput", "MaxWriteRequestUnits")) == 0 {
			return false
		}
	}
	return true
}

// buckets: P7.
func buckets(s *Stack, found report) {
	secure := map[string]bool{}
	for _, p := range s.Of("AWS::S3::BucketPolicy") {
		for _, st := range statements(p, p.Get("PolicyDocument"), false) {
			if st.effect == "Deny" && slices.Equal(st.conditions["aws:securetransport"], []string{"false"}) {
				secure[named(p.Text("Bucket"))] = true
			}
		}
	}
	for _, b := range s.Of("AWS::S3::Bucket") {
		if b.Text("VersioningConfiguration", "Status") != "Enabled" {
			found(b.Name, "keeps no versions")
		}
		for _, block := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
			if b.Get("PublicAccessBlockConfiguration", block) != true {
				found(b.Name, "has no %s", block)
			}
		}
		if len(items(b.Get("LifecycleConfiguration", "Rules"))) == 0 {
			found(b.Name, "keeps everything for ever")
		}
		if !secure[b.Name] {
			found(b.Name, "answers without TLS")
		}
	}
}

// failures: P8.
func failures(s *Stack, found report) {
	dead := s.deadLetters()
	for _, q := range s.Of("AWS::SQS::Queue") {
		if q.Number("MessageRetentionPeriod") != 14*24*3600 {
			found(q.Name, "does not keep messages for 14 days")
		}
	}
	for _, m := range s.mappings() {
		q := s.resources[m.queue]
		f := s.resources[m.function]
		if q.Type != "AWS::SQS::Queue" {
			found(m.function, "reads a queue that is not of this template")
			continue
		}
		tries, want := q.Number("RedrivePolicy", "maxReceiveCount"), 5.0
		if counted(m) {
			want = 1000 // the ledger counts, the queue must not be first
		}
		if tries < want {
			found(m.queue, "gives up after %v tries, want %v", tries, want)
		}
		if q.Number("VisibilityTimeout") < 6*f.timeout() {
			found(m.queue, "shows messages again before %s may have ended, six times", m.function)
		}
		if !m.reports {
			found(m.function, "does not say which messages of %s failed", m.queue)
		}
		if dead[m.queue] {
			found(m.function, "reads the dead-letter queue %s", m.queue)
		}
	}
	for _, sub := range s.Of("AWS::SNS::Subscription") {
		if sub.Text("RedrivePolicy", "deadLetterTargetArn") == "" {
			found(sub.Name, "drops what it cannot deliver")
		}
	}
	for _, f := range slices.Sorted(maps.Keys(s.asyncs())) {
		if s.onFailure(f) == "" {
			found(f, "drops what it fails to take")
		}
	}
	for _, r := range s.Of("AWS::Scheduler::Schedule") {
		if r.Text("Target", "DeadLetterConfig", "Arn") == "" {
			found(r.Name, "drops what it cannot deliver")
		}
	}
	for _, r := range s.Of("AWS::Events::Rule") {
		for _, t := range items(r.Get("Targets")) {
			if text(at(t, "DeadLetterConfig", "Arn")) == "" {
				found(r.Name, "drops what it cannot deliver")
			}
		}
	}
	letIn(s, found)
}

// counted reports whether attempts are counted in the store, not by the queue.
func counted(m queueMapping) bool {
	return m.function == "FanOutFunction" || strings.HasPrefix(m.function, "Delivery")
}

// deadLetters answers the queues that something puts on what it gave up.
func (s *Stack) deadLetters() map[string]bool {
	out := map[string]bool{}
	add := func(arn string) {
		if n := named(arn); s.resources[n].Type == "AWS::SQS::Queue" {
			out[n] = true
		}
	}
	for _, q := range s.Of("AWS::SQS::Queue") {
		add(q.Text("RedrivePolicy", "deadLetterTargetArn"))
	}
	for _, sub := range s.Of("AWS::SNS::Subscription") {
		add(sub.Text("RedrivePolicy", "deadLetterTargetArn"))
	}
	for _, r := range s.Of("AWS::Scheduler::Schedule") {
		add(r.Text("Target", "DeadLetterConfig", "Arn"))
	}
	for _, r := range s.Of("AWS::Events::Rule") {
		for _, t := range items(r.Get("Targets")) {
			add(text(at(t, "DeadLetterConfig", "Arn")))
		}
	}
	return out
}

// letIn looks whether SNS and EventBridge may put on a queue what they are told
// to. If not they drop it and say nothing.
func letIn(s *Stack, found report) {
	allowed := map[[3]string]bool{}
	for _, p := range s.Of("AWS::SQS::QueuePolicy") {
		for _, st := range statements(p, p.Get("PolicyDocument"), false) {
			for _, on := range st.on {
				for _, service := range st.services {
					for _, arn := range st.conditions["aws:sourcearn"] {
						allowed[[3]string{named(on), service, named(arn)}] = slices.Contains(st.actions, "sqs:SendMessage")
					}
				}
			}
		}
	}
	need := func(arn, service, source string) {
		if q := named(arn); s.resources[q].Type == "AWS::SQS::Queue" && !allowed[[3]string{q, service, source}] {
			found(q, "does not let %s in", source)
		}
	}
	for _, sub := range s.Of("AWS::SNS::Subscription") {
		topic := named(sub.Text("TopicArn"))
		need(sub.Text("Endpoint"), "sns.amazonaws.com", topic)
		need(sub.Text("RedrivePolicy", "deadLetterTargetArn"), "sns.amazonaws.com", topic)
	}
	for _, r := range s.Of("AWS::Events::Rule") {
		for _, t := range items(r.Get("Targets")) {
			need(text(at(t, "Arn")), "events.amazonaws.com", r.Name)
			need(text(at(t, "DeadLetterConfig", "Arn")), "events.amazonaws.com", r.Name)
		}
	}
}
