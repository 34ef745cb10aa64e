package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// AWS is every setting of a function. The template sets them; a function is
// given those it needs, and names them to [AWS.Check]. Secrets are never among
// them: their names are.
type AWS struct {
	// Stack is the name of the stack, which its own alarms begin with.
	Stack string `env:"SHIRASE_STACK"`
	// Incidents, Subscribers and Deliveries are the names of the tables.
	Incidents   string `env:"SHIRASE_INCIDENTS_TABLE"`
	Subscribers string `env:"SHIRASE_SUBSCRIBERS_TABLE"`
	Deliveries  string `env:"SHIRASE_DELIVERIES_TABLE"`
	// Updates is the ARN of the topic that each pointer is published to.
	Updates string `env:"SHIRASE_UPDATES_TOPIC"`
	// Notices is the ARN of the topic of starter mode; empty where it is off.
	Notices string `env:"SHIRASE_NOTICES_TOPIC"`
	// Email to Post are the URLs of the send queues, a twin that of confirmations.
	Email       string `env:"SHIRASE_EMAIL_QUEUE"`
	EmailTwin   string `env:"SHIRASE_EMAIL_TWIN_QUEUE"`
	SMS         string `env:"SHIRASE_SMS_QUEUE"`
	SMSTwin     string `env:"SHIRASE_SMS_TWIN_QUEUE"`
	Webhook     string `env:"SHIRASE_WEBHOOK_QUEUE"`
	WebhookTwin string `env:"SHIRASE_WEBHOOK_TWIN_QUEUE"`
	Post        string `env:"SHIRASE_POST_QUEUE"`
	// Nudge is the URL of the queue that wakes the due function.
	Nudge string `env:"SHIRASE_NUDGE_QUEUE"`
	// Parking is the URL of the queue for what can never be handled.
	Parking string `env:"SHIRASE_PARKING_QUEUE"`
	// Own are the URLs of the queues that the function reads, the busiest first.
	Own []string `env:"SHIRASE_OWN_QUEUES"`
	// RootSecret is the ARN of the generated secret that all keys are made from.
	RootSecret string `env:"SHIRASE_ROOT_SECRET"`
	// Secrets begins the names of the credentials in Secrets Manager.
	Secrets string `env:"SHIRASE_SECRETS"`
	// ConfigurationSet is that of SES.
	ConfigurationSet string `env:"SHIRASE_CONFIGURATION_SET"`
	// SMSOrigin is an origination identity of End User Messaging; empty sends
	// by SNS. SMSSender is the name shown where a country allows one.
	SMSOrigin string `env:"SHIRASE_SMS_ORIGIN"`
	SMSSender string `env:"SHIRASE_SMS_SENDER"`
	// SMSSet is the configuration set of End User Messaging.
	SMSSet string `env:"SHIRASE_SMS_SET"`
	// SMSMaxPrice is the most a part of an SMS may cost, in US dollars, such as
	// 0.20: one or two digits, a point, and one to five.
	SMSMaxPrice string `env:"SHIRASE_SMS_MAX_PRICE" envDefault:"0.20"`
	// PublicURL begins every link in a message.
	PublicURL string `env:"SHIRASE_PUBLIC_URL"`
	// Accounts are those that alarms are taken from; empty takes all that the
	// policies of queue and topic let in.
	Accounts []string `env:"SHIRASE_ACCOUNTS"`
	// Shards is how many parts an audience's subscribers are kept in. It must
	// not change once there are subscribers.
	Shards int `env:"SHIRASE_SHARDS" envDefault:"4"`
	// Lease is how long a claim to send holds. It must be shorter than Timeout.
	Lease time.Duration `env:"SHIRASE_LEASE" envDefault:"50s"`
	// Timeout is how long one invocation may take.
	Timeout time.Duration `env:"SHIRASE_TIMEOUT" envDefault:"60s"`
	// LogLevel is debug, info, warn or error.
	LogLevel slog.Level `env:"SHIRASE_LOG_LEVEL" envDefault:"info"`
	// Region and the credentials are given by Lambda. Endpoint replaces every
	// service where the function runs against an emulator.
	Region   string `env:"AWS_REGION"`
	Endpoint string `env:"SHIRASE_ENDPOINT"`
	KeyID    string `env:"AWS_ACCESS_KEY_ID"`
	Key      Secret `env:"AWS_SECRET_ACCESS_KEY"`
	Session  Secret `env:"AWS_SESSION_TOKEN"`

	given map[string]bool // the variables that are not empty
}

// Secret is text that shows itself to nobody who prints it.
type Secret string

// String answers a mask.
func (Secret) String() string { return "***" }

// GoString answers a mask.
func (Secret) GoString() string { return "***" }

// LogValue answers a mask.
func (Secret) LogValue() slog.Value { return slog.StringValue("***") }

// MarshalText answers a mask.
func (Secret) MarshalText() ([]byte, error) { return []byte("***"), nil }

// LoadAWS reads the environment of a function, not yet checked.
func LoadAWS() (AWS, error) { return ParseAWS(env.ToMap(os.Environ())) }

// ParseAWS reads settings from a map of variables, likewise unchecked.
func ParseAWS(vars map[string]string) (AWS, error) {
	c, err := env.ParseAsWithOptions[AWS](env.Options{Environment: vars})
	if err != nil {
		return AWS{}, fmt.Errorf("read settings: %w", err)
	}
	c.given = map[string]bool{}
	for name, value := range vars {
		c.given[name] = value != ""
	}
	return c, nil
}

// Check answers every fault of the settings at once; nil where there is none.
// Needs are those that may not be empty, by their variables.
func (c AWS) Check(needs ...string) error {
	var faults []error
	must := func(ok bool, variable, problem string) {
		if !ok {
			faults = append(faults, fmt.Errorf("%s %s", variable, problem))
		}
	}
	// A runtime that keeps its credentials elsewhere is to fail here, not at its
	// first call.
	for _, need := range append(slices.Clone(needs), "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY") {
		must(c.given[need], need, "is missing")
	}
	must(c.Shards >= 1 && c.Shards <= 64, "SHIRASE_SHARDS", "must be between 1 and 64")
	must(c.Lease >= 20*time.Second, "SHIRASE_LEASE", "must be at least 20s")
	must(c.Timeout >= c.Lease+margin, "SHIRASE_TIMEOUT", "must be at least 5s longer than SHIRASE_LEASE")
	must(price(c.SMSMaxPrice), "SHIRASE_SMS_MAX_PRICE", "must be a price such as 0.20")
	if c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		must(err == nil && u.Scheme == "https" && u.Host != "" && u.RawQuery == "" && u.Fragment == "",
			"SHIRASE_PUBLIC_URL", "must be a URL such as https://status.example.com")
		must(!strings.HasSuffix(c.PublicURL, "/"), "SHIRASE_PUBLIC_URL", "must not end with a slash")
	}
	return errors.Join(faults...)
}

// price reports whether a text is a price as End User Messaging takes one.
//
// https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_SendTextMessage.html
func price(s string) bool {
	whole, part, _ := strings.Cut(s, ".")
	digits := strings.Trim(whole+part, "0123456789") == ""
	return digits && len(whole) >= 1 && len(whole) <= 2 && len(part) >= 1 && len(part) <= 5
}
