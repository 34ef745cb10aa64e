package config_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"shirase/internal/config"
)

func TestAWSListsEveryFault(t *testing.T) {
	t.Parallel()
	c, err := config.ParseAWS(map[string]string{
		"SHIRASE_SHARDS": "0", "SHIRASE_LEASE": "5s", "SHIRASE_TIMEOUT": "9s", "SHIRASE_PUBLIC_URL": "http://status.example/",
		"SHIRASE_INCIDENTS_TABLE": "",
	})
	if err != nil {
		t.Fatalf("ParseAWS() = %v", err)
	}
	got := fmt.Sprint(c.Check("SHIRASE_INCIDENTS_TABLE", "SHIRASE_ROOT_SECRET"))
	for _, want := range []string{
		"INCIDENTS_TABLE is missing", "ROOT_SECRET is missing", "AWS_REGION is missing", "SHARDS", "LEASE", "TIMEOUT",
		"PUBLIC_URL must be", "PUBLIC_URL must not end",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("Check() = %q, want a fault that says %q", got, want)
		}
	}
}

func TestAWSDefaultsAreValid(t *testing.T) {
	t.Parallel()
	c, err := config.ParseAWS(map[string]string{"AWS_REGION": "ap-northeast-1", "SHIRASE_STACK": "shirase"})
	if err != nil {
		t.Fatalf("ParseAWS() = %v", err)
	}
	if err := c.Check("SHIRASE_STACK"); err != nil {
		t.Errorf("Check() = %v, want nil", err)
	}
}

func TestAWSKeysShowThemselvesToNobody(t *testing.T) {
	t.Parallel()
	c, err := config.ParseAWS(map[string]string{"AWS_SECRET_ACCESS_KEY": "canary", "AWS_SESSION_TOKEN": "canary"})
	if err != nil {
		t.Fatalf("ParseAWS() = %v", err)
	}
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if shown := fmt.Sprintf("%v %+v %#v %s %s", c, c, c, c.Key, encoded); strings.Contains(shown, "canary") {
		t.Errorf("printed settings = %s, show a key", shown)
	}
}
