package plan

import (
	"encoding/json"
	"fmt"
	"time"

	"shirase/internal/incident"
)

// form is that of what Encode answers. It rises when what older programs kept
// means something else now; Decode then brings that into today's form. A new
// field whose zero means what held before it needs no new form.
const form = 1

// stored is a plan as stores keep it. What stands here goes before the same name
// in the plan: JSON cannot say a zone, and an address masks itself wherever it is
// encoded.
type stored struct {
	Form         int                                  `json:"form"`
	Source       string                               `json:"source"`
	Families     map[incident.Channel]incident.Family `json:"families"`
	Organisation storedOrganisation                   `json:"organisation"`
	Members      []storedMember                       `json:"members"`
	Targets      []storedTarget                       `json:"targets"`
	*Plan
}

type storedOrganisation struct {
	Zone string `json:"zone"`
	Organisation
}

type storedMember struct {
	Addresses map[incident.Channel]string `json:"addresses"`
	Member
}

type storedTarget struct {
	Address string `json:"address"`
	Target
}

// Encode answers the plan as JSON for a store, its source included, but for its
// version, which is the store's. It shows addresses, so it is for nobody else.
// Reading it back costs a fraction of what [Parse] does and no reader of YAML,
// and the defaults stay those of the day on which the plan was saved.
func (p *Plan) Encode() ([]byte, error) {
	s := stored{
		Form: form, Source: string(p.Source), Families: p.families, Plan: p,
		Organisation: storedOrganisation{Organisation: p.Organisation},
	}
	if p.Organisation.Zone != nil {
		s.Organisation.Zone = p.Organisation.Zone.String()
	}
	for _, m := range p.Members {
		e := storedMember{Member: m, Addresses: make(map[incident.Channel]string, len(m.Addresses))}
		for c, a := range m.Addresses {
			e.Addresses[c] = a.Reveal()
		}
		s.Members = append(s.Members, e)
	}
	for _, t := range p.Targets {
		s.Targets = append(s.Targets, storedTarget{t.Address.Reveal(), t})
	}
	b, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode plan: %w", err)
	}
	return b, nil
}

// Decode reads what [Plan.Encode] answered. The version is 0 until the store
// gives it. Names that this program does not know are those of a newer one, and
// are passed over; a form that it does not know is an error.
func Decode(b []byte) (*Plan, error) {
	s := stored{Plan: &Plan{}}
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("decode plan: %w", err)
	}
	if s.Form != form {
		return nil, fmt.Errorf("decode plan: it is in form %d, and this program knows form %d", s.Form, form)
	}
	p := s.Plan
	p.Source, p.families, p.Organisation = []byte(s.Source), s.Families, s.Organisation.Organisation
	var err error
	if p.Organisation.Zone, err = time.LoadLocation(s.Organisation.Zone); err != nil {
		return nil, fmt.Errorf("decode plan: %w", err)
	}
	for _, e := range s.Members {
		m := e.Member
		m.Addresses = make(map[incident.Channel]incident.Address, len(e.Addresses))
		for c, a := range e.Addresses {
			m.Addresses[c] = incident.Address(a)
		}
		p.Members = append(p.Members, m)
	}
	for _, e := range s.Targets {
		t := e.Target
		t.Address = incident.Address(e.Address)
		p.Targets = append(p.Targets, t)
	}
	return p, nil
}
