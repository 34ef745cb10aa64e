package config_test

import (
	"strings"
	"testing"

	"shirase/internal/config"
)

func TestDefaultsAreValid(t *testing.T) {
	t.Parallel()
	c, err := config.Parse(nil)
	if err != nil {
		t.Fatalf("Parse(nil) = %v", err)
	}
	if err := c.Check(); err != nil {
		t.Errorf("Check() of the defaults = %v, want nil", err)
	}
}

func TestCheckListsEveryFault(t *testing.T) {
	t.Parallel()
	c, err := config.Parse(map[string]string{
		"SHIRASE_SHARDS": "65", "SHIRASE_LEASE": "60s", "SHIRASE_PUBLIC_URL": "ftp://x/",
		"SHIRASE_SMTP": "smtp://user:secret@mail.example.com", "SHIRASE_ALLOW_NETWORKS": "localhost",
	})
	if err != nil {
		t.Fatalf("Parse() = %v", err)
	}
	got := c.Check().Error()
	for _, want := range []string{"SHARDS", "TIMEOUT", "PUBLIC_URL must be", "PUBLIC_URL must not end", "SMTP must not hold", "ALLOW_NETWORKS"} {
		if !strings.Contains(got, want) {
			t.Errorf("Check() = %q, want a fault that says %q", got, want)
		}
	}
	if strings.Contains(got, "secret@") {
		t.Errorf("Check() = %q, echoes the password", got)
	}
}

func TestParseRefusesWhatIsNoSetting(t *testing.T) {
	t.Parallel()
	if _, err := config.Parse(map[string]string{"SHIRASE_SHARDS": "many"}); err == nil {
		t.Error(`Parse(SHIRASE_SHARDS=many) = nil, want an error`)
	}
}
