//go:build contract

package template_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"shirase/infra/template"
	"shirase/internal/aws/enginetest"
)

// TestDeploys puts the template, as it is written, into ministack. Left out are
// alarms on expressions, which ministack 1.4.21 does not know. Nor does it know
// policies of a bus; by default there is none.
func TestDeploys(t *testing.T) {
	cfg := enginetest.Ministack(t)
	call(t, cfg, "s3", http.MethodPut, "/artifacts", nil)
	call(t, cfg, "s3", http.MethodPut, "/artifacts/function.zip", function(t))
	doc, err := template.Read(shipped)
	if err != nil {
		t.Fatal(err)
	}
	resources := 0
	body, err := doc.Edited(func(_ string, r map[string]any) bool {
		properties, _ := r["Properties"].(map[string]any)
		if r["Type"] == "AWS::Serverless::Function" {
			properties["CodeUri"] = "s3://artifacts/function.zip" // which is what sam package does
		}
		stays := properties["Metrics"] == nil
		if stays && r["Condition"] == nil {
			resources++
		}
		return stays
	})
	if err != nil {
		t.Fatal(err)
	}
	call(t, cfg, "cloudformation", http.MethodPost, "/", form("CreateStack", url.Values{
		"StackName": {template.Name}, "TemplateBody": {string(body)},
		"Capabilities.member.1": {"CAPABILITY_IAM"}, "Capabilities.member.2": {"CAPABILITY_AUTO_EXPAND"},
		"Parameters.member.1.ParameterKey": {"OperatorEmail"}, "Parameters.member.1.ParameterValue": {"ops@example.test"},
	}))
	status := "CREATE_IN_PROGRESS"
	for status == "CREATE_IN_PROGRESS" && t.Context().Err() == nil {
		answer := call(t, cfg, "cloudformation", http.MethodPost, "/", form("DescribeStacks", url.Values{"StackName": {template.Name}}))
		var out struct {
			Status string `xml:"DescribeStacksResult>Stacks>member>StackStatus"`
		}
		if err := xml.Unmarshal(answer, &out); err != nil {
			t.Fatal(err)
		}
		status = out.Status
	}
	if status != "CREATE_COMPLETE" {
		answer := call(t, cfg, "cloudformation", http.MethodPost, "/", form("DescribeStackEvents", url.Values{"StackName": {template.Name}}))
		t.Fatalf("CreateStack(template.yaml) = %s, want CREATE_COMPLETE\n%s", status, answer)
	}
	answer := call(t, cfg, "cloudformation", http.MethodPost, "/", form("DescribeStackResources", url.Values{"StackName": {template.Name}}))
	// A function of SAM becomes more than one resource.
	if made := strings.Count(string(answer), "<LogicalResourceId>"); made < resources {
		t.Errorf("CreateStack(template.yaml) makes %d resources, want %d or more", made, resources)
	}
}

// call sends a request to an engine, which tells services apart by the scope that a
// signature names and does not look at the signature.
func call(t *testing.T, cfg aws.Config, service, method, path string, body []byte) []byte {
	t.Helper()
	ctx, done := context.WithCancel(t.Context())
	defer done()
	r, err := http.NewRequestWithContext(ctx, method, aws.ToString(cfg.BaseEndpoint)+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/"+cfg.Region+"/"+service+"/aws4_request, SignedHeaders=host, Signature=none")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := (&http.Client{}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	out, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s of %s = %s, %v: %s", method, path, service, resp.Status, err, out)
	}
	return out
}

func form(action string, v url.Values) []byte {
	v.Set("Action", action)
	v.Set("Version", "2010-05-15")
	return []byte(v.Encode())
}

// function answers a zip such as Lambda takes.
func function(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	f, err := z.Create("bootstrap")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("#!/bin/sh\nexit 1\n")); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
