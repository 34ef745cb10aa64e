package signup

import (
	"bytes"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"shirase/internal/incident"
	"shirase/internal/subscribe"
)

// A page is everything that a template may show.
type page struct {
	words words
	// Name is the template, Title its heading.
	Name, Title string
	Lang        string
	// Base begins every link.
	Base         string
	Switches     []link
	Organisation string
	Contact      string
	ContactHref  string

	// The form of signing up and of preferences.
	Channel                                             incident.Channel
	Channels                                            []link
	Address                                             string
	AddressLabel, AddressHint, AddressType, AddressFill string
	Components, Locales, Zones                          []option

	// Token, Manage, Unsubscribe and Ref go into links and forms.
	Token, Manage, Unsubscribe, Ref string
	SentText, SentHelp              string
	// Text and Again belong to pages that only say something.
	Text         string
	Again, Saved bool
	// Failed tells that it is our fault and nothing was done.
	Failed bool
	Faults []*subscribe.Fault
}

type link struct {
	Href, Name, Lang string
	On               bool
}

type option struct {
	Value, Name string
	On          bool
}

type shown struct{ ID, Text string }

// T answers the words of the page's language.
func (p *page) T(name string, pairs ...string) (string, error) { return p.words.say(name, pairs...) }

// Fault answers what is wrong with a field, nil if nothing is.
func (p *page) Fault(field string) (*shown, error) {
	for _, f := range p.Faults {
		if f.Field == field || strings.HasPrefix(f.Field, field+".") {
			text, err := p.T("fault_" + string(f.Code))
			return &shown{ID: field + "-fault", Text: text}, err
		}
	}
	return nil, nil //nolint:nilnil // a template's "with" asks just that
}

// loadTemplates parses every page, once, when the first is shown.
var loadTemplates = sync.OnceValues(func() (map[string]*template.Template, error) {
	layout, err := template.New("layout").ParseFS(files, "templates/layout.html")
	if err != nil {
		return nil, fmt.Errorf("layout: %w", err)
	}
	all := map[string]*template.Template{}
	for _, name := range []string{"subscribe", "sent", "confirm", "done", "manage", "unsubscribe", "note"} {
		t, err := layout.Clone()
		if err == nil {
			t, err = t.ParseFS(files, "templates/"+name+".html")
		}
		if err != nil {
			return nil, fmt.Errorf("page %s: %w", name, err)
		}
		all[name] = t
	}
	return all, nil
})

// html renders the page whole, so that none is ever sent half.
func (p *page) html() ([]byte, error) {
	all, err := loadTemplates()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := all[p.Name].ExecuteTemplate(&b, "layout", p); err != nil {
		return nil, fmt.Errorf("page %s: %w", p.Name, err)
	}
	return b.Bytes(), nil
}

// offer puts what can be chosen into the page, with what is chosen ticked.
func (p *page) offer(o subscribe.Offer, prefs subscribe.Prefs, now time.Time) error {
	for _, c := range o.Components {
		p.Components = append(p.Components, option{
			Value: string(c.ID), Name: in(c.Name, p.Lang, string(c.ID)), On: slices.Contains(prefs.Components, c.ID),
		})
	}
	if prefs.Locale == "" {
		prefs.Locale = incident.Locale(p.Lang)
	}
	for _, l := range o.Locales {
		name := string(l)
		if has(name) {
			var err error
			if name, err = p.T("locale_" + name); err != nil {
				return err
			}
		}
		p.Locales = append(p.Locales, option{Value: string(l), Name: name, On: l == prefs.Locale})
	}
	if p.Channel == incident.Email {
		p.Zones = zones(prefs.Zone, o.Zone, now)
	}
	return nil
}

// fields says how the address of a channel is typed.
func (p *page) fields() {
	c := string(p.Channel)
	p.AddressLabel, p.AddressHint = "address_"+c, "hint_"+c
	switch p.Channel {
	case incident.Email:
		p.AddressType, p.AddressFill = "email", "email"
	case incident.SMS:
		p.AddressType, p.AddressFill = "tel", "tel"
	default:
		p.AddressType, p.AddressFill = "url", "off"
	}
}

// commonZones are offered by name; any other is kept where it is chosen already.
var commonZones = []string{
	"Asia/Tokyo", "Asia/Seoul", "Asia/Shanghai", "Asia/Hong_Kong", "Asia/Taipei", "Asia/Manila", "Asia/Singapore",
	"Asia/Jakarta", "Asia/Bangkok", "Asia/Ho_Chi_Minh", "Asia/Kolkata", "Asia/Karachi", "Asia/Dubai", "Africa/Nairobi",
	"Africa/Johannesburg", "Africa/Lagos", "Africa/Cairo", "Europe/Istanbul", "Europe/Athens", "Europe/Kyiv",
	"Europe/Berlin", "Europe/Paris", "Europe/Madrid", "Europe/Rome", "Europe/Stockholm", "Europe/London", "Europe/Lisbon",
	"UTC", "America/Sao_Paulo", "America/Argentina/Buenos_Aires", "America/Halifax", "America/New_York", "America/Toronto",
	"America/Bogota", "America/Mexico_City", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles",
	"America/Anchorage", "Pacific/Honolulu", "Pacific/Auckland", "Australia/Sydney", "Australia/Brisbane", "Australia/Perth",
}

// zones answers the time zones to choose from, east first, with the offset each
// has now. The chosen one, else the organisation's, is ticked.
func zones(chosen, organisation string, now time.Time) []option {
	if chosen == "" {
		chosen = organisation
	}
	names := slices.Clone(commonZones)
	for _, extra := range []string{organisation, chosen} {
		if !slices.Contains(names, extra) {
			names = append(names, extra)
		}
	}
	type zone struct {
		name   string
		offset int
		label  string
	}
	var zs []zone
	for _, name := range names {
		loc, err := time.LoadLocation(name)
		if err != nil {
			continue // not one at all, or not known on this machine
		}
		at := now.In(loc)
		_, offset := at.Zone()
		zs = append(zs, zone{name, offset, strings.ReplaceAll(name, "_", " ") + " (UTC" + at.Format("-07:00") + ")"})
	}
	slices.SortStableFunc(zs, func(a, b zone) int {
		if a.offset != b.offset {
			return b.offset - a.offset
		}
		return strings.Compare(a.name, b.name)
	})
	out := make([]option, len(zs))
	for n, z := range zs {
		out[n] = option{Value: z.name, Name: z.label, On: z.name == chosen}
	}
	return out
}

// in answers a text in a language, else in any that there is, else the fallback.
func in(t incident.Text, lang, fallback string) string {
	for _, l := range append([]string{lang}, languages...) {
		if s, ok := t.In(incident.Locale(l)); ok {
			return s
		}
	}
	return fallback
}

// href answers where a contact leads, empty where it is just words.
func href(contact string) string {
	if u, err := url.Parse(contact); err == nil && u.Scheme == "https" && u.Host != "" {
		return contact
	}
	if strings.Count(contact, "@") == 1 && !strings.ContainsAny(contact, " :/?&") {
		return "mailto:" + contact
	}
	return ""
}
