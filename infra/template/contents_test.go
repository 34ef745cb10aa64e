package template_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"shirase/infra/template"
	"shirase/internal/aws/dynamo"
	"shirase/internal/config"
)

func stack(t *testing.T, path, way string) *template.Stack {
	t.Helper()
	doc, err := template.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := doc.Resolve(choices[path][way])
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const shipped = "../../template.yaml"

// TestTablesAreThoseOfTheCode compares keys and indexes with what the adapters
// make in their tests.
func TestTablesAreThoseOfTheCode(t *testing.T) {
	t.Parallel()
	got, want := map[string]any{}, map[string]any{}
	for _, r := range stack(t, shipped, "all").Of("AWS::DynamoDB::Table") {
		got[r.Name] = map[string]any{
			"keys": r.Get("KeySchema"), "attributes": r.Get("AttributeDefinitions"),
			"index": indexes(r.Get("GlobalSecondaryIndexes")), "billing": r.Text("BillingMode"),
			"ttl": r.Text("TimeToLiveSpecification", "AttributeName"),
		}
	}
	for _, in := range dynamo.Schema(dynamo.Tables{Incidents: "IncidentsTable", Subscribers: "SubscribersTable", Deliveries: "DeliveriesTable"}) {
		want[*in.TableName] = map[string]any{
			"keys": plain(t, in.KeySchema), "attributes": plain(t, in.AttributeDefinitions),
			"index": plain(t, projections(in)), "billing": string(in.BillingMode), "ttl": dynamo.TTL,
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("tables of the template differ from dynamo.Schema (-want +got):\n%s", d)
	}
}

// indexes answers what a template says of indexes, without their limits.
func indexes(v any) any {
	list, _ := v.([]any)
	for _, i := range list {
		delete(i.(map[string]any), "OnDemandThroughput")
	}
	if len(list) == 0 {
		return nil
	}
	return v
}

func projections(in *dynamodb.CreateTableInput) any {
	var out []map[string]any
	for _, i := range in.GlobalSecondaryIndexes {
		out = append(out, map[string]any{
			"IndexName": i.IndexName, "KeySchema": i.KeySchema,
			"Projection": map[string]any{"ProjectionType": i.Projection.ProjectionType},
		})
	}
	return out
}

// plain makes of SDK types what the reader makes of YAML.
func plain(t *testing.T, v any) any {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestVariablesAreSettings looks for variables that no setting has.
func TestVariablesAreSettings(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for f := range reflect.TypeFor[config.AWS]().Fields() {
		known[f.Tag.Get("env")] = true
	}
	for _, way := range []string{"defaults", "all"} {
		for _, f := range stack(t, shipped, way).Functions() {
			vars := map[string]string{ // which Lambda gives
				"AWS_REGION": template.Region, "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example",
			}
			for name, value := range f.Environment() {
				if !known[name] {
					t.Errorf("%s is given %s, which is no setting", f.Name, name)
				}
				vars[name] = value
			}
			if vars["SHIRASE_PUBLIC_URL"] != "" && way == "defaults" {
				vars["SHIRASE_PUBLIC_URL"] = "https://abc.execute-api." + template.Region + ".amazonaws.com" // known once it is deployed
			}
			c, err := config.ParseAWS(vars)
			if err != nil {
				t.Errorf("%s, %s: ParseAWS = %v", f.Name, way, err)
			} else if err := c.Check(); err != nil {
				t.Errorf("%s, %s: Check = %v", f.Name, way, err)
			}
		}
	}
}

// TestRoutesLeadToTheirFunction asks for the paths that the handlers serve. The
// list is that of the program on one machine.
func TestRoutesLeadToTheirFunction(t *testing.T) {
	t.Parallel()
	s := stack(t, shipped, "defaults")
	to := map[string]string{}
	for _, r := range s.Of("AWS::ApiGatewayV2::Route") {
		method, path, _ := strings.Cut(r.Text("RouteKey"), " ")
		if method != "ANY" { // handlers answer 405 with what is allowed
			t.Errorf("%s takes %s only", r.Name, method)
		}
		to[path] = strings.TrimSuffix(strings.TrimPrefix(r.Text("Target"), "integrations/${"), "Integration}")
	}
	want := map[string]string{
		"/v1/{proxy+}": "Api", "/act/{proxy+}": "Api", "/i/{id}": "Api", "/assets/{proxy+}": "Api",
		"/assets/signup.css": "SignUp", "/subscribe": "SignUp", "/confirm": "SignUp", "/manage": "SignUp", "/unsubscribe": "SignUp",
	}
	if d := cmp.Diff(want, to); d != "" {
		t.Errorf("routes differ (-want +got):\n%s", d)
	}
	local, err := os.ReadFile("../local/server.go")
	if err != nil {
		t.Fatal(err)
	}
	for path := range want {
		base, _, _ := strings.Cut(path, "{")
		if !strings.Contains(string(local), `"`+base+`"`) {
			t.Errorf("the program on one machine does not serve %s", base)
		}
	}
}

// TestRulesLetAlarmsIn matches the patterns of the rules with the sample events.
func TestRulesLetAlarmsIn(t *testing.T) {
	t.Parallel()
	samples, err := filepath.Glob("../../events/alarm/*eventbridge*.json")
	if err != nil {
		t.Fatal(err)
	}
	samples = slices.DeleteFunc(samples, func(path string) bool { return strings.HasPrefix(filepath.Base(path), "sqs-") }) // behind the rule
	if len(samples) < 10 {
		t.Fatalf("found %d samples, want 10 or more", len(samples))
	}
	for path := range choices {
		for _, rule := range stack(t, path, "defaults").Of("AWS::Events::Rule") {
			own := template.Name + "-dead"
			if rule.Name == "ForwardedRule" {
				own = "" // what comes from elsewhere is never ours
			}
			for _, sample := range samples {
				text, err := os.ReadFile(sample)
				if err != nil {
					t.Fatal(err)
				}
				var event map[string]any
				if err := json.Unmarshal(text, &event); err != nil {
					t.Fatal(err)
				}
				detail := event["detail"].(map[string]any)
				want := !strings.HasPrefix(detail["alarmName"].(string), "TargetTracking-")
				if got := matches(rule.Get("EventPattern"), event); got != want {
					t.Errorf("%s of %s lets %s in: %v, want %v", rule.Name, path, filepath.Base(sample), got, want)
				}
				if detail["alarmName"] = own; own != "" && matches(rule.Get("EventPattern"), event) {
					t.Errorf("%s of %s lets our own alarm in", rule.Name, path)
				}
			}
		}
	}
}

// matches is as much of EventBridge's matching as our patterns need.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
func matches(pattern, event any) bool {
	switch p := pattern.(type) {
	case map[string]any:
		e, ok := event.(map[string]any)
		for k := range p {
			ok = ok && matches(p[k], e[k])
		}
		return ok
	case []any:
		return slices.ContainsFunc(p, func(one any) bool {
			but, ok := one.(map[string]any)
			if !ok {
				return one == event
			}
			prefixes := but["anything-but"].(map[string]any)["prefix"]
			if s, ok := prefixes.(string); ok {
				prefixes = []any{s}
			}
			return !slices.ContainsFunc(prefixes.([]any), func(p any) bool { return strings.HasPrefix(fmt.Sprint(event), p.(string)) })
		})
	default:
		return false
	}
}
