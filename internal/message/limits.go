package message

import "shirase/internal/incident"

// Unit is what a channel counts its limit in.
type Unit string

// The units of a limit.
const (
	Runes     Unit = "runes"
	Graphemes Unit = "graphemes"
	Bytes     Unit = "bytes"
	SMSParts  Unit = "sms_parts"
)

// A Limit says what family a channel belongs to and how much it carries. The
// figures are the providers' own; see docs/channels.md.
type Limit struct {
	Family incident.Family
	Unit   Unit
	// Max is the most the channel takes; 0 means no limit worth cutting for.
	Max int
	// URL is what a link counts for, whatever its length; 0 means its length.
	URL int
}

// limits is everything this package knows about single channels. A new channel
// in a family is one line here.
var limits = map[incident.Channel]Limit{
	incident.Email:   {Family: incident.FamilyEmail},
	incident.SMS:     {Family: incident.FamilySMS, Unit: SMSParts, Max: 1},
	incident.Webhook: {Family: incident.FamilyWebhook, Unit: Bytes, Max: 20_000},
	"mastodon":       {Family: incident.FamilySocial, Unit: Graphemes, Max: 500, URL: 23},
	"slack":          {Family: incident.FamilyChat, Unit: Runes, Max: 3_000},
}

// Families answers the family of every channel there is.
func Families() map[incident.Channel]incident.Family {
	out := make(map[incident.Channel]incident.Family, len(limits))
	for c, l := range limits {
		out[c] = l.Family
	}
	return out
}

// FamilyOf answers the family of a channel, and whether there is such a channel.
func FamilyOf(c incident.Channel) (incident.Family, bool) {
	l, ok := limits[c]
	return l.Family, ok
}
