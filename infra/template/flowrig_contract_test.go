//go:build contract

package template_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	goruntime "runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"shirase/infra/runtime"
	"shirase/infra/template"
	"shirase/internal/aws/enginetest"
)

// A flow is the deployed stack.
type flow struct {
	t           *testing.T
	engine, key string
	out         map[string]string // outputs
}

// deployFlow builds every function, and deploys the template with them.
func deployFlow(t *testing.T) *flow {
	t.Helper()
	cfg := enginetest.Ministack(t)
	f := &flow{t: t, engine: aws.ToString(cfg.BaseEndpoint), out: map[string]string{}}
	// The functions that TestDeploys leaves in the engine answer nothing, and would
	// hold up its poller.
	f.query("cloudformation", "DeleteStack", url.Values{"StackName": {template.Name}})
	f.aws("s3", http.MethodPut, "/flow", "", nil)
	for _, dir := range folders(t) {
		f.aws("s3", http.MethodPut, "/flow/functions/"+dir+"/", "", f.zipped(dir))
	}
	doc, err := template.Read("../../template.yaml")
	f.must(err)
	body, err := doc.Edited(func(_ string, r map[string]any) bool {
		properties, _ := r["Properties"].(map[string]any)
		if r["Type"] == "AWS::Serverless::Function" {
			properties["CodeUri"] = fmt.Sprintf("s3://flow/%s", properties["CodeUri"])
			// Lambda needs no such word: there the SDK knows where AWS is.
			properties["Environment"].(map[string]any)["Variables"].(map[string]any)["SHIRASE_ENDPOINT"] = f.engine //nolint:forcetypeassert // every function has variables
		}
		return properties["Metrics"] == nil
	})
	f.must(err)
	f.query("cloudformation", "CreateStack", url.Values{
		"StackName": {flowName}, "TemplateBody": {string(body)},
		"Capabilities.member.1": {"CAPABILITY_IAM"}, "Capabilities.member.2": {"CAPABILITY_AUTO_EXPAND"},
		"Parameters.member.1.ParameterKey": {"OperatorEmail"}, "Parameters.member.1.ParameterValue": {"ops@example.test"},
		"Parameters.member.2.ParameterKey": {"PublicUrl"}, "Parameters.member.2.ParameterValue": {flowURL},
	})
	f.await("CREATE_COMPLETE", func() bool {
		var stack struct {
			Status  string `xml:"DescribeStacksResult>Stacks>member>StackStatus"`
			Outputs []struct {
				OutputKey, OutputValue string
			} `xml:"DescribeStacksResult>Stacks>member>Outputs>member"`
		}
		f.must(xml.Unmarshal(f.query("cloudformation", "DescribeStacks", url.Values{"StackName": {flowName}}), &stack))
		if s := stack.Status; s != "CREATE_IN_PROGRESS" && s != "CREATE_COMPLETE" {
			f.t.Fatalf("CreateStack(template.yaml) = %s: %s", s, f.query("cloudformation", "DescribeStackEvents", url.Values{"StackName": {flowName}}))
		}
		for _, o := range stack.Outputs {
			f.out[o.OutputKey] = o.OutputValue
		}
		return stack.Status == "CREATE_COMPLETE"
	})
	id := regexp.MustCompile(`--secret-id (\S+)`).FindStringSubmatch(f.out["FirstKey"])
	if id == nil {
		t.Fatalf("the output FirstKey names no secret: %s", f.out["FirstKey"])
	}
	root, err := secretsmanager.NewFromConfig(cfg).GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: &id[1]})
	f.must(err)
	f.key = "Bearer " + f.firstKey(aws.ToString(root.SecretString))
	return f
}

// firstKey makes the first key as a reader of docs/aws.md does, by its line and
// the output that it runs. Only AWS's own command is replaced.
func (f *flow) firstKey(root string) string {
	f.t.Helper()
	doc, err := os.ReadFile("../../docs/aws.md")
	f.must(err)
	line := regexp.MustCompile(`(?m)^export SHIRASE_KEY=.*$`).Find(doc)
	if line == nil {
		f.t.Fatal("docs/aws.md does not say how the first key is made")
	}
	cmd := exec.CommandContext(f.t.Context(), "bash", "-euc", `aws() { printf %s "$ROOT"; }; out() { printf %s "${!1}"; }; `+
		string(line)+`; printf %s "$SHIRASE_KEY"`)
	cmd.Env = append(os.Environ(), "ROOT="+root, "FirstKey="+f.out["FirstKey"])
	key, err := cmd.Output()
	f.must(err)
	return string(key)
}

// zipped builds a function for this machine and answers what Lambda takes.
func (f *flow) zipped(dir string) []byte {
	f.t.Helper()
	path, err := runtime.Build(f.t.Context(), "../..", "./functions/"+dir, goruntime.GOARCH, f.t.TempDir())
	f.must(err)
	binary, err := os.ReadFile(path)
	f.must(err)
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.CreateHeader(&zip.FileHeader{Name: "bootstrap", Method: zip.Store})
	f.must(err)
	_, err = w.Write(binary)
	f.must(err)
	f.must(z.Close())
	return b.Bytes()
}

// ask sends a request by the template's own HTTP API.
func (f *flow) ask(method, path, body string, headers ...string) (int, string) {
	f.t.Helper()
	id, _, _ := strings.Cut(strings.TrimPrefix(f.out["ApiEndpoint"], "http://"), ".")
	return f.send(method, "/_aws/execute-api/"+id+"/$default"+path, []byte(body), headers...)
}

// post sends a form as a browser does.
func (f *flow) post(path, form string) (int, string) {
	f.t.Helper()
	return f.ask(http.MethodPost, path, form, "Content-Type", "application/x-www-form-urlencoded", "Origin", flowURL)
}

// list answers the incidents that there are.
func (f *flow) list() string {
	f.t.Helper()
	code, body := f.ask(http.MethodGet, "/v1/incidents", "", "Authorization", f.key)
	if code != http.StatusOK {
		f.t.Fatalf("GET /v1/incidents = %d %s, want 200", code, body)
	}
	return body
}

// link answers the path of a link that stands in a mail.
func (f *flow) link(mail, path string) string {
	f.t.Helper()
	found := regexp.MustCompile(regexp.QuoteMeta(flowURL) + "(" + path + ")").FindStringSubmatch(html.UnescapeString(mail))
	if found == nil {
		f.t.Fatalf("a mail holds no link %s: %s", path, mail)
	}
	return found[1]
}

// awaitMail waits for a mail to an address that holds a text.
func (f *flow) awaitMail(to, text string) (found string) {
	f.t.Helper()
	f.await(fmt.Sprintf("a mail to %s with %q", to, text), func() bool {
		for _, m := range f.mails(to) {
			if strings.Contains(html.UnescapeString(m), text) {
				found = m
			}
		}
		return found != ""
	})
	return found
}

// mails answers the text of every mail that SES took for an address.
func (f *flow) mails(to string) (found []string) {
	f.t.Helper()
	code, body := f.send(http.MethodGet, "/_ministack/ses/messages", nil)
	if code != http.StatusOK {
		f.t.Fatalf("GET mails = %d %s, want 200", code, body)
	}
	var all struct {
		Messages map[string][]struct {
			To                          []string
			Subject, BodyText, BodyHtml string //nolint:revive // as the engine writes it
		} `json:"messages"`
	}
	f.must(json.Unmarshal([]byte(body), &all))
	for _, account := range all.Messages { // there is one
		for _, m := range account {
			if strings.Contains(strings.Join(m.To, ","), to) {
				found = append(found, m.Subject+"\n"+m.BodyText+"\n"+m.BodyHtml)
			}
		}
	}
	return found
}

// await asks again and again until something is so.
func (f *flow) await(what string, so func() bool) {
	f.t.Helper()
	every, end := time.NewTicker(200*time.Millisecond), time.NewTimer(flowWait)
	defer every.Stop()
	defer end.Stop()
	for !so() {
		select {
		case <-every.C:
		case <-end.C:
			f.t.Fatalf("waited %v for %s", flowWait, what)
		}
	}
}

// query sends what the query protocol takes.
func (f *flow) query(service, action string, v url.Values) []byte {
	f.t.Helper()
	return f.aws(service, http.MethodPost, "/", "", form(action, v))
}

// aws sends a request to a service of the engine.
func (f *flow) aws(service, method, path, target string, body []byte) []byte {
	f.t.Helper()
	kind := "application/x-www-form-urlencoded"
	if target != "" {
		kind = "application/x-amz-json-1.1"
	}
	code, out := f.send(method, path, body, "Content-Type", kind, "X-Amz-Target", target, "Authorization",
		"AWS4-HMAC-SHA256 Credential=test/20260101/"+enginetest.Region+"/"+service+"/aws4_request, SignedHeaders=host, Signature=none")
	if code != http.StatusOK {
		f.t.Fatalf("%s %s of %s = %d: %s", method, path, service, code, out)
	}
	return []byte(out)
}

// send sends a request to the engine, and follows no redirect.
func (f *flow) send(method, path string, body []byte, headers ...string) (int, string) {
	f.t.Helper()
	r, err := http.NewRequestWithContext(f.t.Context(), method, f.engine+path, bytes.NewReader(body))
	f.must(err)
	for n := 0; n < len(headers); n += 2 {
		if headers[n+1] != "" {
			r.Header.Set(headers[n], headers[n+1])
		}
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	f.must(err)
	defer resp.Body.Close() //nolint:errcheck // it was only read
	out, err := io.ReadAll(resp.Body)
	f.must(err)
	return resp.StatusCode, string(out)
}

func (f *flow) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}
