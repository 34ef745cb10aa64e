package ready

import "math"

// Price is what one message costs by the list. Prices change: each says of when
// it is and where it was read.
type Price struct {
	Name string `json:"name"`
	// USD is for one recipient by mail, or one part of an SMS: 70 characters of
	// Japanese, 160 of English.
	USD    float64 `json:"usd"`
	Unit   string  `json:"unit"`
	AsOf   string  `json:"as_of"`
	Source string  `json:"source"`
	// About marks what is no exact figure.
	About bool `json:"about,omitempty"`
}

const (
	listPrices = "AWS Price List of SES, first tier; attachments and traffic apart"
	perMail    = "recipient"
	perPart    = "part"
)

// The prices of mail by the plan that SES names in its account
// (https://aws.amazon.com/ses/pricing/).
var mailPrices = map[string]Price{
	"NONE":       {Name: "mail, no pricing plan", USD: 0.00010, Unit: perMail, AsOf: "2026-07-22", Source: listPrices},
	"ESSENTIALS": {Name: "mail, Essentials plan", USD: 0.00016, Unit: perMail, AsOf: "2026-07-22", Source: listPrices},
	"PRO":        {Name: "mail, Pro plan", USD: 0.00022, Unit: perMail, AsOf: "2026-07-22", Source: listPrices},
	"ENTERPRISE": {Name: "mail, Enterprise plan", USD: 0.00023, Unit: perMail, AsOf: "2026-07-22", Source: listPrices},
}

// smsPrices are those of the countries that we know one of, by price, the highest
// first (https://aws.amazon.com/sns/sms-pricing/).
var smsPrices = []smsPrice{
	{"Japan", Price{Name: "SMS to Japan", USD: 0.07451, Unit: perPart, AsOf: "2026-05-18", Source: "the AWS page of SMS prices, as a third party quotes it"}},
	{"the United States", Price{
		Name: "SMS to the United States", USD: 0.010, Unit: perPart, AsOf: "2026-05-26", About: true,
		Source: "about 0.006 of AWS and 0.004 of the carrier, of a third party; numbers are rented apart",
	}},
}

type smsPrice struct {
	country string
	price   Price
}

// Prices answers every price that the program knows, in a fixed order.
func Prices() []Price {
	var out []Price
	for _, plan := range []string{"NONE", "ESSENTIALS", "PRO", "ENTERPRISE"} {
		out = append(out, mailPrices[plan])
	}
	for _, s := range smsPrices {
		out = append(out, s.price)
	}
	return out
}

// of answers what n cost, rounded up to cents.
func (p Price) of(n int) float64 { return math.Ceil(math.Round(p.USD*float64(n)*1e6)/1e4) / 100 }
