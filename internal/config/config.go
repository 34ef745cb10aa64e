// Package config is the one place that reads the environment. Everything that
// can be set is a field of [Config], with its default and its unit, and is
// checked whole at the start, so that a program with a wrong setting says all
// that is wrong with it and does not run.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// Config is every setting. Secrets are never among them: they are named in the
// plan and fetched where they are kept. Every variable stands in
// docs/configuration.md.
type Config struct {
	// Addr is where the local program listens.
	Addr string `env:"SHIRASE_ADDR" envDefault:"127.0.0.1:8420"`
	// Data is the folder in which the local program keeps everything.
	Data string `env:"SHIRASE_DATA" envDefault:".shirase"`
	// Plan is a plan file; empty means the one in the store, or the sample plan.
	Plan string `env:"SHIRASE_PLAN"`
	// PublicURL begins every link in a message; empty means the address listened on.
	PublicURL string `env:"SHIRASE_PUBLIC_URL"`
	// SMTP is the mail relay, as smtp://user@host:port or smtps://…; empty keeps
	// mail in the inbox. The password is the secret "smtp-password".
	SMTP string `env:"SHIRASE_SMTP"`
	// Allow lists networks that webhooks may call although they are not public,
	// such as 127.0.0.0/8 for a receiver on the same machine.
	Allow []string `env:"SHIRASE_ALLOW_NETWORKS"`
	// Shards is how many parts an audience's subscribers are kept in. It must
	// not change once there are subscribers.
	Shards int `env:"SHIRASE_SHARDS" envDefault:"4"`
	// Lease is how long a claim to send holds. It must be shorter than Timeout.
	Lease time.Duration `env:"SHIRASE_LEASE" envDefault:"50s"`
	// Timeout is how long one invocation may take.
	Timeout time.Duration `env:"SHIRASE_TIMEOUT" envDefault:"60s"`
	// LogLevel is debug, info, warn or error.
	LogLevel slog.Level `env:"SHIRASE_LOG_LEVEL" envDefault:"warn"`
}

// Load reads the environment of the process. The settings are not checked yet,
// so that a program may put its flags over them first.
func Load() (Config, error) { return Parse(env.ToMap(os.Environ())) }

// Parse reads settings from a map of variables, likewise unchecked.
func Parse(vars map[string]string) (Config, error) {
	c, err := env.ParseAsWithOptions[Config](env.Options{Environment: vars})
	if err != nil {
		return Config{}, fmt.Errorf("read settings: %w", err)
	}
	return c, nil
}

// margin is what must lie between a lease and the timeout around it, so that a
// sender can settle before it is stopped.
const margin = 5 * time.Second

// Check answers every fault of the settings at once; nil where there is none.
func (c Config) Check() error {
	var faults []error
	must := func(ok bool, variable, problem string) {
		if !ok {
			faults = append(faults, fmt.Errorf("%s %s", variable, problem))
		}
	}
	must(c.Data != "", "SHIRASE_DATA", "must name a folder")
	must(c.Shards >= 1 && c.Shards <= 64, "SHIRASE_SHARDS", "must be between 1 and 64")
	must(c.Lease >= 20*time.Second, "SHIRASE_LEASE", "must be at least 20s")
	must(c.Timeout >= c.Lease+margin, "SHIRASE_TIMEOUT", "must be at least 5s longer than SHIRASE_LEASE")
	if c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		must(err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.RawQuery == "" && u.Fragment == "",
			"SHIRASE_PUBLIC_URL", "must be a URL such as https://status.example.com")
		must(!strings.HasSuffix(c.PublicURL, "/"), "SHIRASE_PUBLIC_URL", "must not end with a slash")
	}
	if c.SMTP != "" {
		u, err := url.Parse(c.SMTP)
		must(err == nil && (u.Scheme == "smtp" || u.Scheme == "smtps") && u.Host != "",
			"SHIRASE_SMTP", "must be a URL such as smtp://user@mail.example.com:587")
		if err == nil {
			_, has := u.User.Password()
			must(!has, "SHIRASE_SMTP", "must not hold a password: put it in the secret smtp-password")
		}
	}
	for _, n := range c.Allow {
		_, err := netip.ParsePrefix(n)
		must(err == nil, "SHIRASE_ALLOW_NETWORKS", "must hold networks such as 127.0.0.0/8")
	}
	return errors.Join(faults...)
}

// Networks answers the allowed networks; call it after Check.
func (c Config) Networks() []netip.Prefix {
	var out []netip.Prefix
	for _, n := range c.Allow {
		if p, err := netip.ParsePrefix(n); err == nil {
			out = append(out, p)
		}
	}
	return out
}
