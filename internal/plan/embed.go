package plan

import (
	"embed"
	"fmt"

	"shirase/internal/incident"
)

//go:embed plans/*.yaml
var plans embed.FS

// Embedded answers one of the plans that come with the program: "team", the
// smallest useful one, or "company", the whole of an invented organisation.
// Other names are [incident.ErrNotFound].
func Embedded(name string) ([]byte, error) {
	b, err := plans.ReadFile("plans/" + name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("embedded plan %q: %w", name, incident.ErrNotFound)
	}
	return b, nil
}
