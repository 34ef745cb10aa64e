package template

import (
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
)

// telling are the endings of names of variables that hold secrets.
var telling = regexp.MustCompile(`(?i)(secret|password|token|credential|private|_key|apikey)s?$`)

// secrets: P12.
func secrets(s *Stack, found report) {
	for _, f := range s.Functions() {
		env := f.Environment()
		for _, name := range slices.Sorted(maps.Keys(env)) {
			value := env[name]
			switch {
			case telling.MatchString(name) && s.resources[named(value)].Type != "AWS::SecretsManager::Secret" && !strings.HasSuffix(value, "/"): // a prefix of names
				found(f.Name, "%s holds a secret, not the name of one", name)
			case !strings.Contains(value, "${") && len(value) >= 16 && entropy(value) > 3.5 && !strings.ContainsAny(value, "/:. "):
				found(f.Name, "%s looks like a secret", name)
			case strings.Contains(value, "{{resolve:"):
				found(f.Name, "%s is a secret that the deployment fills in", name)
			}
		}
	}
	for _, r := range s.Of("AWS::SecretsManager::Secret") {
		if r.Get("SecretString") != nil || r.Get("GenerateSecretString") == nil {
			found(r.Name, "is written down, not generated")
		}
	}
}

// entropy answers the bits of each character of a text.
func entropy(s string) (bits float64) {
	count := map[rune]float64{}
	for _, r := range s {
		count[r]++
	}
	for _, n := range count {
		p := n / float64(len(s))
		bits -= p * math.Log2(p)
	}
	return bits
}

// personal are the variables of an access log that say who asked, or hold what a
// link holds.
var personal = []string{"$context.identity", "$context.path", "$context.authorizer"}

// routes: P13.
func routes(s *Stack, found report) {
	stages := s.Of("AWS::ApiGatewayV2::Stage")
	for _, r := range s.Of("AWS::ApiGatewayV2::Route") {
		key := r.Text("RouteKey")
		if key == "$default" || strings.HasSuffix(key, " /{proxy+}") {
			found(r.Name, "takes every path")
		}
		for _, st := range stages {
			settings, _ := st.Get("RouteSettings").(map[string]any)
			if amount(at(settings[key], "ThrottlingRateLimit")) == 0 || amount(at(settings[key], "ThrottlingBurstLimit")) == 0 {
				found(r.Name, "is not throttled")
			}
		}
	}
	for _, st := range stages {
		if st.Number("DefaultRouteSettings", "ThrottlingRateLimit") == 0 {
			found(st.Name, "is not throttled")
		}
		format := st.Text("AccessLogSettings", "Format")
		if format == "" {
			found(st.Name, "writes no access log")
		}
		for _, p := range personal {
			if strings.Contains(format, p) {
				found(st.Name, "logs %s", p)
			}
		}
	}
}

// integration is how long API Gateway waits for a function.
const integration = 30

// intake is how much of the account's concurrency alarms need at least: 10,000 a
// minute, of which one function takes some ten a second.
const intake = 20

// times: P14.
func times(s *Stack, found report) {
	front := map[string]bool{}
	for _, p := range s.Of("AWS::Lambda::Permission") {
		front[named(p.Text("FunctionName"))] = p.Text("Principal") == "apigateway.amazonaws.com"
	}
	for _, f := range s.Functions() {
		env := f.Environment()
		limit := time.Duration(f.timeout()) * time.Second
		if told, err := time.ParseDuration(env["SHIRASE_TIMEOUT"]); env["SHIRASE_TIMEOUT"] != "" && (err != nil || told != limit) {
			found(f.Name, "is told a timeout of %s, has %s", env["SHIRASE_TIMEOUT"], limit)
		}
		if lease, err := time.ParseDuration(env["SHIRASE_LEASE"]); env["SHIRASE_LEASE"] != "" && (err != nil || lease >= limit) {
			found(f.Name, "may be ended before its lease")
		}
		if front[f.Name] && f.timeout() >= integration {
			found(f.Name, "works longer than API Gateway waits")
		}
		if f.Text("RecursiveLoop") == "Allow" {
			found(f.Name, "may call itself for ever")
		}
		if f.Name == "AlarmFunction" && f.Get("ReservedConcurrentExecutions") != nil {
			found(f.Name, "may be turned away while others work")
		}
	}
	for _, m := range s.mappings() {
		if s.resources[m.queue].Number("VisibilityTimeout")/6 <= s.resources[m.function].timeout() {
			found(m.queue, "shows a message again too soon after %s's timeout", m.function)
		}
		greedy := strings.HasPrefix(m.function, "Delivery") || m.function == "AlarmFunction"
		if greedy && m.most == 0 && s.resources[m.function].Get("ReservedConcurrentExecutions") == nil {
			found(m.function, "may take all concurrency for %s", m.queue)
		}
		if m.function == "AlarmFunction" && m.most > 0 && m.most < intake {
			found(m.function, "is held back on %s", m.queue)
		}
	}
}

// runtimes: P15.
func runtimes(s *Stack, found report) {
	for _, f := range s.Functions() {
		if !slices.Equal(texts(f.Get("Architectures")), []string{"arm64"}) {
			found(f.Name, "does not run on arm64")
		}
		if f.Text("Runtime") != "provided.al2023" || f.Text("Handler") != "bootstrap" {
			found(f.Name, "does not run on provided.al2023")
		}
		if f.Text("Tracing") != "Active" && f.Text("TracingConfig", "Mode") != "Active" {
			found(f.Name, "is not traced")
		}
		if f.Get("VpcConfig") != nil {
			found(f.Name, "stands in a VPC, whose NAT is one more thing to fail")
		}
		if f.Type == samFunction && text(at(f.whole, "Metadata", "BuildMethod")) != "go1.x" {
			found(f.Name, "is not built from Go")
		}
	}
}
