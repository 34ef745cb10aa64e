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
		"INCIDENTS_TABLE is missing", "ROOT_SECRET is missing", "AWS_REGION is missing", "AWS_ACCESS_KEY_ID is missing",
		"AWS_SECRET_ACCESS_KEY is missing", "SHARDS", "LEASE", "TIMEOUT",
		"PUBLIC_URL must be", "PUBLIC_URL must not end",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("Check() = %q, want a fault that says %q", got, want)
		}
	}
}

// lambda adds to variables those that Lambda gives.
func lambda(vars map[string]string) map[string]string {
	vars["AWS_REGION"], vars["AWS_ACCESS_KEY_ID"], vars["AWS_SECRET_ACCESS_KEY"] = "ap-northeast-1", "AKIDEXAMPLE", "example"
	return vars
}

// TestAWSTakesPricesAsTheServiceDoes holds that no price is taken that End User
// Messaging would refuse with every SMS.
func TestAWSTakesPricesAsTheServiceDoes(t *testing.T) {
	t.Parallel()
	for price, ok := range map[string]bool{
		"": true, "0.20": true, "9.0": true, "12.34567": true, "1": false, "1.": false, ".5": false, "100.00": false,
		"0.200001": false, "0,20": false, "-1.0": false, "1.2.3": false, "0.2 ": false, "1e.1": false, "\u0661.5": false,
	} {
		c, err := config.ParseAWS(lambda(map[string]string{"SHIRASE_SMS_MAX_PRICE": price}))
		if err != nil {
			t.Fatalf("ParseAWS(%q) = %v", price, err)
		}
		err = c.Check()
		if (err == nil) != ok || err != nil && err.Error() != "SHIRASE_SMS_MAX_PRICE must be a price such as 0.20" {
			t.Errorf("Check() of the price %q = %v, want a fault: %t", price, err, !ok)
		}
	}
}

func TestAWSDefaultsAreValid(t *testing.T) {
	t.Parallel()
	c, err := config.ParseAWS(lambda(map[string]string{"SHIRASE_STACK": "shirase"}))
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
