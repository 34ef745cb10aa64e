package subscribe_test

import (
	"errors"
	"strings"
	"testing"

	"shirase/internal/incident"
	"shirase/internal/subscribe"
	"shirase/internal/subscribe/phone"
)

func TestNormalise(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		channel incident.Channel
		in      string
		want    string
		code    subscribe.Code
	}{
		{name: "email domain lower case", channel: incident.Email, in: " Sato.Hanako+x@Minato.TEST ", want: "Sato.Hanako+x@minato.test"},
		{name: "email full width", channel: incident.Email, in: "ｓａｔｏ＠ｍｉｎａｔｏ．ｔｅｓｔ", want: "sato@minato.test"},
		{name: "email punycode", channel: incident.Email, in: "a@xn--wgv71a119e.test", want: "a@xn--wgv71a119e.test"},
		{name: "email IDN", channel: incident.Email, in: "a@日本語.test", code: subscribe.EmailIDN},
		{name: "email local beyond ASCII", channel: incident.Email, in: "佐藤@minato.test", code: subscribe.EmailForm},
		{name: "email display name", channel: incident.Email, in: "Sato <sato@minato.test>", code: subscribe.EmailForm},
		{name: "email two", channel: incident.Email, in: "a@minato.test,b@minato.test", code: subscribe.EmailForm},
		{name: "email header", channel: incident.Email, in: "a@minato.test\r\nBcc: b@minato.test", code: subscribe.EmailForm},
		{name: "email header in domain", channel: incident.Email, in: "a@minato.test\r\nX: y", code: subscribe.EmailDomain},
		{name: "email header in local", channel: incident.Email, in: "a\r\nBcc:b@minato.test", code: subscribe.EmailForm},
		{name: "email quoted", channel: incident.Email, in: `"a b"@minato.test`, code: subscribe.EmailForm},
		{name: "email two dots", channel: incident.Email, in: "a..b@minato.test", code: subscribe.EmailForm},
		{name: "email no domain", channel: incident.Email, in: "sato@", code: subscribe.EmailForm},
		{name: "email one label", channel: incident.Email, in: "sato@localhost", code: subscribe.EmailDomain},
		{name: "email number", channel: incident.Email, in: "sato@127.0.0.1", code: subscribe.EmailDomain},
		{name: "email literal", channel: incident.Email, in: "sato@[127.0.0.1]", code: subscribe.EmailDomain},
		{name: "email last dot", channel: incident.Email, in: "sato@minato.test.", code: subscribe.EmailDomain},
		{name: "email 64", channel: incident.Email, in: strings.Repeat("a", 64) + "@minato.test", want: strings.Repeat("a", 64) + "@minato.test"},
		{name: "email 65", channel: incident.Email, in: strings.Repeat("a", 65) + "@minato.test", code: subscribe.AddressLong},
		{name: "email 255", channel: incident.Email, in: "a@" + strings.Repeat("a23456789.", 25) + "tes", code: subscribe.AddressLong},
		{name: "email huge", channel: incident.Email, in: strings.Repeat("a", 1<<20), code: subscribe.AddressLong},
		{name: "empty", channel: incident.Email, in: " \t", code: subscribe.AddressMissing},

		{name: "sms full width", channel: incident.SMS, in: "＋８１ー９０－１２３４－５６７８", want: "+819012345678"},
		{name: "sms without country", channel: incident.SMS, in: "090-1234-5678", code: subscribe.PhoneForm},
		{name: "sms two signs", channel: incident.SMS, in: "+81+9012345678", code: subscribe.PhoneForm},
		{name: "sms zero", channel: incident.SMS, in: "+0819012345678", code: subscribe.PhoneForm},
		{name: "sms 16 digits", channel: incident.SMS, in: "+1234567890123456", code: subscribe.PhoneForm},
		{name: "sms abroad", channel: incident.SMS, in: "+1 (202) 555-0123", want: "+12025550123"},
		{name: "sms letters", channel: incident.SMS, in: "1-800-FLOWERS", code: subscribe.PhoneForm},
		{name: "sms extension", channel: incident.SMS, in: "090-1234-5678 ext 1", code: subscribe.PhoneForm},
		{name: "sms short", channel: incident.SMS, in: "110", code: subscribe.PhoneForm},
		{name: "sms long", channel: incident.SMS, in: strings.Repeat("1", 70), code: subscribe.AddressLong},

		{name: "webhook", channel: incident.Webhook, in: "HTTPS://Hooks.Example:443", want: "https://hooks.example/"},
		{name: "webhook query", channel: incident.Webhook, in: "https://hooks.example/a?b=c", want: "https://hooks.example/a?b=c"},
		{name: "webhook here", channel: incident.Webhook, in: "http://127.0.0.1:8420/hook", want: "http://127.0.0.1:8420/hook"},
		{name: "webhook user", channel: incident.Webhook, in: "https://a:b@hooks.example/", code: subscribe.WebhookForm},
		{name: "webhook fragment", channel: incident.Webhook, in: "https://hooks.example/#a", code: subscribe.WebhookForm},
		{name: "webhook other scheme", channel: incident.Webhook, in: "gopher://hooks.example/", code: subscribe.WebhookSecure},
		{name: "webhook opaque", channel: incident.Webhook, in: "https:hooks.example", code: subscribe.WebhookForm},
		{name: "webhook backslash", channel: incident.Webhook, in: `https://hooks.example\@evil.example/`, code: subscribe.AddressCharacter},
		{name: "webhook newline", channel: incident.Webhook, in: "https://hooks.example/\r\nX: y", code: subscribe.AddressCharacter},
		{name: "webhook octal", channel: incident.Webhook, in: "https://0177.0.0.1/", code: subscribe.WebhookHost},
		{name: "webhook decimal", channel: incident.Webhook, in: "https://2130706433/", code: subscribe.WebhookHost},
		{name: "webhook hex", channel: incident.Webhook, in: "https://0x7f000001/", code: subscribe.WebhookHost},
		{name: "webhook zone id", channel: incident.Webhook, in: "https://[fe80::1%25eth0]/", code: subscribe.WebhookHost},
		{name: "webhook long", channel: incident.Webhook, in: "https://hooks.example/" + strings.Repeat("a", 2048), code: subscribe.AddressLong},

		{name: "account", channel: "mastodon", in: " @minato@social.example ", want: "@minato@social.example"},
		{name: "account newline", channel: "slack", in: "a\nb", code: subscribe.AddressCharacter},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := subscribe.Normalise(tt.channel, incident.Address(tt.in))
			if got.Reveal() != tt.want || code(err) != tt.code {
				t.Errorf("Normalise(%q) = %q, %q, want %q, %q", tt.in, got.Reveal(), code(err), tt.want, tt.code)
			}
		})
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		rules   subscribe.Rules
		channel incident.Channel
		in      string
		want    string
		code    subscribe.Code
	}{
		{name: "mobile", channel: incident.SMS, in: "070-1234-5678", want: "+817012345678"},
		{name: "full width", channel: incident.SMS, in: "０９０ー１２３４－５６７８", want: "+819012345678"},
		{name: "national zero", channel: incident.SMS, in: "+81 (0)90-1234-5678", want: "+819012345678"},
		{name: "letters", channel: incident.SMS, in: "1-800-FLOWERS", code: subscribe.PhoneForm},
		{name: "other home", rules: subscribe.Rules{Region: "US"}, channel: incident.SMS, in: "202-555-0123", want: "+12025550123"},
		{name: "premium", channel: incident.SMS, in: "0990-123456", code: subscribe.PhoneKind},
		{name: "premium abroad", channel: incident.SMS, in: "+1 900 555 0100", code: subscribe.PhoneKind},
		{name: "free call", channel: incident.SMS, in: "0120-123-456", code: subscribe.PhoneKind},
		{name: "landline", channel: incident.SMS, in: "03-1234-5678", code: subscribe.PhoneKind},
		{name: "satellite", channel: incident.SMS, in: "+88216 1234567", code: subscribe.PhoneCountry},
		{name: "same code, other country", channel: incident.SMS, in: "+1 876 555 0123", code: subscribe.PhoneCountry},
		{name: "country not listed", rules: subscribe.Rules{Countries: []string{"JP"}}, channel: incident.SMS, in: "+1 202 555 0123", code: subscribe.PhoneCountry},
		{name: "webhook", channel: incident.Webhook, in: "https://hooks.example/a", want: "https://hooks.example/a"},
		{name: "webhook http", channel: incident.Webhook, in: "http://hooks.example/a", code: subscribe.WebhookSecure},
		{name: "webhook port", channel: incident.Webhook, in: "https://hooks.example:8443/", code: subscribe.WebhookPort},
		{name: "webhook number", channel: incident.Webhook, in: "https://169.254.169.254/latest", code: subscribe.WebhookHost},
		{name: "webhook v6", channel: incident.Webhook, in: "https://[::1]/", code: subscribe.WebhookHost},
		{name: "webhook localhost", channel: incident.Webhook, in: "https://localhost/", code: subscribe.WebhookHost},
		{name: "webhook local", rules: subscribe.Rules{Local: true}, channel: incident.Webhook, in: "http://localhost:9000/", want: "http://localhost:9000/"},
		{name: "no such channel", channel: "slack", in: "#general", code: subscribe.ChannelUnknown},
		{name: "channel not offered", rules: subscribe.Rules{Channels: []incident.Channel{incident.Email}}, channel: incident.SMS, in: "090-1234-5678", code: subscribe.ChannelUnknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.rules.Phones = phone.Numbers{}
			got, err := tt.rules.Normalise(tt.channel, incident.Address(tt.in))
			if got.Reveal() != tt.want || code(err) != tt.code {
				t.Errorf("Rules.Normalise(%q) = %q, %q, want %q, %q", tt.in, got.Reveal(), code(err), tt.want, tt.code)
			}
		})
	}
}

// A fault tells what is wrong and never holds what was typed.
func TestFaultsHoldNoAddress(t *testing.T) {
	t.Parallel()
	const canary = "canary7713"
	for _, c := range []incident.Channel{incident.Email, incident.SMS, incident.Webhook, "slack"} {
		_, err := subscribe.Rules{}.Normalise(c, canary+"@@\x00")
		if err == nil || !errors.Is(err, incident.ErrInvalid) || strings.Contains(err.Error(), canary) {
			t.Errorf("Rules.Normalise(%s) = %v, want an invalid that names no address", c, err)
		}
	}
}

// code answers the code of the one fault in an error, "" for no error.
func code(err error) subscribe.Code {
	if err == nil {
		return ""
	}
	fs := subscribe.Faults(err)
	if len(fs) != 1 {
		return "not one fault"
	}
	return fs[0].Code
}

func FuzzNormalise(f *testing.F) {
	for _, s := range []string{
		"sato@minato.test", "090-1234-5678", "+12025550123", "https://hooks.example:443/a%2fb?c", "https://[::1]:1/",
		"ａ＠ｂ．ｃｄ", "http://a.b:0080", "https://a.b?", "00441234567890", "https://a.b/%zz", "https://[::ffff:1.2.3.4]/",
		"0000000000",
	} {
		for _, c := range []string{"email", "sms", "webhook", "slack"} {
			f.Add(c, s)
		}
	}
	f.Fuzz(func(t *testing.T, channel, in string) {
		c := incident.Channel(channel)
		if strict, err := (subscribe.Rules{Phones: phone.Numbers{}}).Normalise(c, incident.Address(in)); err == nil {
			if plain, err := subscribe.Normalise(c, strict); err != nil || plain != strict {
				t.Errorf("Normalise(Rules.Normalise(%q)) = %q, %v, want %q", in, plain.Reveal(), err, strict.Reveal())
			}
		}
		got, err := subscribe.Normalise(c, incident.Address(in))
		if err != nil {
			if !errors.Is(err, incident.ErrInvalid) || got != "" {
				t.Errorf("Normalise(%q, %q) = %q, %v, want nothing and an invalid", c, in, got.Reveal(), err)
			}
			return
		}
		again, err := subscribe.Normalise(c, got)
		if err != nil || again != got {
			t.Errorf("Normalise(%q, Normalise(%q)) = %q, %v, want %q", c, in, again.Reveal(), err, got.Reveal())
		}
		if strings.ContainsAny(got.Reveal(), "\r\n\x00") || len(got) > 2048 {
			t.Errorf("Normalise(%q, %q) = %q, want one short line", c, in, got.Reveal())
		}
	})
}
