package template

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Stack is what a template makes of one choice of parameters.
type Stack struct {
	resources map[string]Resource
}

// A Resource is one resource of a stack.
type Resource struct {
	Name, Type string
	whole      any
}

// Of answers the resources of these types, by name.
func (s *Stack) Of(types ...string) []Resource {
	var out []Resource
	for _, name := range slices.Sorted(maps.Keys(s.resources)) {
		if slices.Contains(types, s.resources[name].Type) {
			out = append(out, s.resources[name])
		}
	}
	return out
}

// Get answers a property by its path, nil where there is none.
func (r Resource) Get(path ...string) any {
	return at(r.whole, append([]string{"Properties"}, path...)...)
}

// Text answers a property as text, empty where there is none.
func (r Resource) Text(path ...string) string { return text(r.Get(path...)) }

// Number answers a property as a number, 0 where there is none.
func (r Resource) Number(path ...string) float64 { return amount(r.Get(path...)) }

// Policy answers an attribute beside the properties, such as DeletionPolicy.
func (r Resource) Policy(name string) string { return text(at(r.whole, name)) }

// at walks into nested maps.
func at(v any, path ...string) any {
	for _, p := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[p]
	}
	return v
}

// text answers a scalar as text; numbers without a needless point.
func text(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

func amount(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case string:
		var n float64
		if _, err := fmt.Sscan(v, &n); err == nil {
			return n
		}
	}
	return 0
}

// items answers a list, or the one thing as a list of one.
func items(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	default:
		return []any{v}
	}
}

func texts(v any) []string {
	var out []string
	for _, e := range items(v) {
		out = append(out, text(e))
	}
	return out
}

// named answers the resource that a reference names: ${Thing} and ${Thing.Arn}
// are both Thing.
func named(ref string) string {
	inner, ok := strings.CutPrefix(ref, "${")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(strings.TrimSuffix(inner, "}"), ".")
	return name
}

// The types that are written in two ways: by SAM and by CloudFormation.
const (
	samFunction = "AWS::Serverless::Function"
	cfnFunction = "AWS::Lambda::Function"
)

// Functions answers the functions of the stack.
func (s *Stack) Functions() []Resource { return s.Of(samFunction, cfnFunction) }

// Environment answers the variables of a function.
func (r Resource) Environment() map[string]string {
	out := map[string]string{}
	vars, _ := r.Get("Environment", "Variables").(map[string]any)
	for k, v := range vars {
		out[k] = text(v)
	}
	return out
}

// A mapping hands what is on a queue to a function.
type queueMapping struct {
	function, queue string
	reports         bool // which records failed
	most            float64
}

func (s *Stack) mappings() []queueMapping {
	var out []queueMapping
	read := func(function, queue string, p any) queueMapping {
		return queueMapping{
			function: function, queue: named(queue), most: amount(at(p, "ScalingConfig", "MaximumConcurrency")),
			reports: slices.Contains(texts(at(p, "FunctionResponseTypes")), "ReportBatchItemFailures"),
		}
	}
	for _, f := range s.Of(samFunction) {
		events, _ := f.Get("Events").(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(events)) {
			if at(events[name], "Type") == "SQS" {
				p := at(events[name], "Properties")
				out = append(out, read(f.Name, text(at(p, "Queue")), p))
			}
		}
	}
	for _, m := range s.Of("AWS::Lambda::EventSourceMapping") {
		out = append(out, read(named(m.Text("FunctionName")), m.Text("EventSourceArn"), m.Get()))
	}
	return out
}

// timeout answers how long a function may take, in seconds.
func (r Resource) timeout() float64 {
	if n := r.Number("Timeout"); n > 0 {
		return n
	}
	return 3 // Lambda's default
}

// asyncs answers the functions that something invokes without waiting: alarms, a
// schedule or a rule, by name.
func (s *Stack) asyncs() map[string]bool {
	out := map[string]bool{}
	for _, p := range s.Of("AWS::Lambda::Permission") {
		if p.Text("Principal") != "apigateway.amazonaws.com" {
			out[named(p.Text("FunctionName"))] = true
		}
	}
	for _, r := range s.Of("AWS::Scheduler::Schedule") {
		out[named(r.Text("Target", "Arn"))] = true
	}
	for _, r := range s.Of("AWS::Events::Rule") {
		for _, t := range items(r.Get("Targets")) {
			out[named(text(at(t, "Arn")))] = true
		}
	}
	maps.DeleteFunc(out, func(name string, _ bool) bool {
		return !slices.Contains([]string{samFunction, cfnFunction}, s.resources[name].Type)
	})
	return out
}

// onFailure answers where Lambda puts what a function failed to take, empty if
// nowhere.
func (s *Stack) onFailure(function string) string {
	if to := s.resources[function].Text("EventInvokeConfig", "DestinationConfig", "OnFailure", "Destination"); to != "" {
		return to
	}
	for _, c := range s.Of("AWS::Lambda::EventInvokeConfig") {
		if named(c.Text("FunctionName")) == function {
			return c.Text("DestinationConfig", "OnFailure", "Destination")
		}
	}
	return ""
}
