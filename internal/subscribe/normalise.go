package subscribe

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/text/width"

	"shirase/internal/incident"
)

const (
	maxEmail = 254
	maxLocal = 64
	maxURL   = 2048
	maxPhone = 64
	// maxAccount bounds the addresses of channels that take no sign-ups.
	maxAccount = 2048
	// homeRegion is where a number without country code is taken to be.
	homeRegion = "JP"
)

// fieldAddress is the path of the address in an input.
const fieldAddress = "address"

func wrong(c Code) error { return &Fault{Field: fieldAddress, Code: c} }

// Normalise answers the one spelling of an address by which a recipient is
// known on a channel, whoever wrote it down: a subscriber, a plan, an import. A
// number must have its country code; what people type without one is for
// [Rules.Normalise], which also says whom we let sign up. Normalising again
// changes nothing.
func Normalise(c incident.Channel, a incident.Address) (incident.Address, error) {
	return normalise(c, a, international)
}

// normalise reads an address, and a number by the function.
func normalise(c incident.Channel, a incident.Address, number func(string) (string, error)) (incident.Address, error) {
	s := strings.TrimSpace(a.Reveal())
	if s == "" {
		return "", wrong(AddressMissing)
	}
	switch c {
	case incident.Email:
		return email(s)
	case incident.SMS:
		n, err := phone(s)
		if err == nil {
			n, err = number(n)
		}
		if err != nil {
			return "", err
		}
		return incident.Address(n), nil
	case incident.Webhook:
		u, err := endpoint(s)
		if err != nil {
			return "", err
		}
		return incident.Address(u.String()), nil
	}
	if len(s) > maxAccount {
		return "", wrong(AddressLong)
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' }) {
		return "", wrong(AddressCharacter)
	}
	return incident.Address(s), nil
}

// email keeps the local part as it is, since only its own server knows whether
// its letters differ, and lowers the domain. What a Japanese keyboard writes in
// full width means the same in half width.
func email(s string) (incident.Address, error) {
	if len(s) > 4*maxEmail {
		return "", wrong(AddressLong)
	}
	s = width.Fold.String(s)
	local, domain, ok := cutLast(s, "@")
	switch {
	case !ok || local == "" || domain == "":
		return "", wrong(EmailForm)
	case !dotAtom(local):
		return "", wrong(EmailForm)
	case strings.ContainsFunc(domain, func(r rune) bool { return r > 0x7f }):
		return "", wrong(EmailIDN)
	case len(local) > maxLocal || len(s) > maxEmail:
		return "", wrong(AddressLong)
	case !hostname(domain) || !strings.Contains(domain, ".") || numeric(domain):
		return "", wrong(EmailDomain)
	}
	return incident.Address(local + "@" + strings.ToLower(domain)), nil
}

// dotAtom reports whether s is words of a mail address with single dots between
// them (RFC 5322, section 3.2.3); quoted forms are not for people.
func dotAtom(s string) bool {
	for word := range strings.SplitSeq(s, ".") {
		if word == "" || strings.ContainsFunc(word, func(r rune) bool {
			return !letterOrDigit(r) && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r)
		}) {
			return false
		}
	}
	return true
}

// hostname reports whether s is a name as DNS knows them: letters, digits and
// hyphens, in labels of 1 to 63.
func hostname(s string) bool {
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.ContainsFunc(label, func(r rune) bool { return !letterOrDigit(r) && r != '-' }) {
			return false
		}
	}
	return true
}

// numeric reports whether the last label of a host holds digits only, so that
// the host is a number in disguise and no name.
func numeric(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	return !strings.ContainsFunc(last, func(r rune) bool { return r < '0' || r > '9' }) ||
		strings.HasPrefix(strings.ToLower(last), "0x")
}

func letterOrDigit(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

// dashes are what people type for a hyphen between digits.
var dashes = strings.NewReplacer("ー", "-", "‐", "-", "‑", "-", "–", "-", "—", "-", "−", "-", "　", " ")

// phone answers a number in plain characters. It takes digits and their usual
// separators only: no letters, no extension.
func phone(s string) (string, error) {
	if len(s) > 4*maxPhone {
		return "", wrong(AddressLong)
	}
	s = dashes.Replace(width.Fold.String(dashes.Replace(s)))
	if len(s) > maxPhone {
		return "", wrong(AddressLong)
	}
	if strings.ContainsFunc(s, func(r rune) bool { return !strings.ContainsRune("0123456789+-(). ", r) }) {
		return "", wrong(PhoneForm)
	}
	return s, nil
}

// separators stand between the digits of a number and mean nothing.
var separators = strings.NewReplacer(" ", "", "-", "", ".", "", "(", "", ")", "")

// international reads a number that begins with + and its country code, in the
// form of ITU-T E.164: up to 15 digits, of which the first is not 0.
func international(s string) (string, error) {
	s = separators.Replace(s)
	digits, ok := strings.CutPrefix(s, "+")
	if !ok || len(digits) < 8 || len(digits) > 15 || digits[0] == '0' || strings.Contains(digits, "+") {
		return "", wrong(PhoneForm)
	}
	return s, nil
}

// endpoint reads a URL and writes it in its plain form.
func endpoint(s string) (*url.URL, error) {
	if len(s) > maxURL {
		return nil, wrong(AddressLong)
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' }) {
		return nil, wrong(AddressCharacter)
	}
	u, err := url.Parse(s)
	if err != nil || u.Opaque != "" || u.User != nil || u.Host == "" || strings.Contains(s, "#") {
		return nil, wrong(WebhookForm)
	}
	u.Scheme = strings.ToLower(u.Scheme)
	if u.Scheme != "https" && u.Scheme != "http" {
		return nil, wrong(WebhookSecure)
	}
	host, port := strings.ToLower(u.Hostname()), u.Port()
	ip, err := netip.ParseAddr(host)
	switch {
	case err == nil && ip.Zone() != "":
		return nil, wrong(WebhookHost)
	case err == nil && ip.Is6():
		host = "[" + ip.String() + "]"
	case err == nil:
	case !hostname(host) || numeric(host):
		return nil, wrong(WebhookHost)
	}
	if port == "" || u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		u.Host = host
	} else {
		u.Host = host + ":" + port
	}
	if u.Path == "" {
		u.Path = "/"
	}
	u.ForceQuery = false
	if len(u.String()) > maxURL {
		return nil, wrong(AddressLong)
	}
	return u, nil
}

// Rules says whom we let sign up.
type Rules struct {
	// Channels take sign-ups; empty means email, SMS and webhook.
	Channels []incident.Channel
	// Phones reads numbers; without it nobody can sign up for SMS.
	Phones Phones
	// Region is where a number without country code is taken to be, such as "JP".
	Region string
	// Countries may be sent SMS to, by their two letters. All others are
	// refused, since every message costs and some exist to be paid for.
	Countries []string
	// Local lets webhooks be on this machine: plain http, any port, any host.
	Local bool
}

// withDefaults fills in what is left empty.
func (r Rules) withDefaults() Rules {
	if len(r.Channels) == 0 {
		r.Channels = []incident.Channel{incident.Email, incident.SMS, incident.Webhook}
	}
	if r.Region == "" {
		r.Region = homeRegion
	}
	if len(r.Countries) == 0 {
		r.Countries = []string{"JP", "US", "GB", "CA", "AU", "NZ", "SG"}
	}
	return r
}

// Normalise answers the one spelling of an address, or why nobody can sign up
// with it.
func (r Rules) Normalise(c incident.Channel, a incident.Address) (incident.Address, error) {
	r = r.withDefaults()
	if !slices.Contains(r.Channels, c) {
		return "", &Fault{Field: "channel", Code: ChannelUnknown}
	}
	out, err := r.read(c, a)
	if err != nil {
		return "", err
	}
	if c == incident.SMS {
		err = r.mobile(out)
	}
	if c == incident.Webhook {
		err = r.public(out)
	}
	if err != nil {
		return "", err
	}
	return out, nil
}

// read answers the one spelling of an address as people write it.
func (r Rules) read(c incident.Channel, a incident.Address) (incident.Address, error) {
	if r.Phones == nil {
		return Normalise(c, a)
	}
	return normalise(c, a, func(s string) (string, error) {
		n, ok := r.Phones.Number(s, r.Region)
		if !ok {
			return "", wrong(PhoneForm)
		}
		return n, nil
	})
}

// mobile refuses what costs us, or the reader, more than a message.
func (r Rules) mobile(a incident.Address) error {
	if r.Phones == nil {
		return wrong(PhoneForm)
	}
	kind := r.Phones.Kind(a.Reveal())
	if !kind.Valid {
		return wrong(PhoneForm)
	}
	if !slices.Contains(r.Countries, kind.Country) {
		return wrong(PhoneCountry)
	}
	if !kind.Mobile {
		return wrong(PhoneKind)
	}
	return nil
}

// public refuses endpoints that cannot be a stranger's on the internet. What a
// name resolves to is for the client that calls it to judge.
func (r Rules) public(a incident.Address) error {
	if r.Local {
		return nil
	}
	u, err := endpoint(a.Reveal())
	if err != nil {
		return err
	}
	switch host := u.Hostname(); {
	case u.Scheme != "https":
		return wrong(WebhookSecure)
	case u.Port() != "":
		return wrong(WebhookPort)
	case !strings.Contains(host, ".") || strings.HasSuffix(host, ".localhost"):
		return wrong(WebhookHost)
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return wrong(WebhookHost)
	}
	return nil
}

// crowd answers what addresses have in common that usually belong to one
// person, so that aliases do not get around a cap.
func crowd(c incident.Channel, a incident.Address) string {
	if c != incident.Email {
		return a.Reveal()
	}
	local, domain, _ := cutLast(a.Reveal(), "@")
	if base, _, ok := strings.Cut(local, "+"); ok && base != "" {
		local = base
	}
	return strings.ToLower(strings.ReplaceAll(local, ".", "")) + "@" + domain
}

func cutLast(s, sep string) (before, after string, ok bool) {
	n := strings.LastIndex(s, sep)
	if n < 0 {
		return s, "", false
	}
	return s[:n], s[n+len(sep):], true
}
