package template

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Edited answers the template as JSON, for an engine that imitates CloudFormation.
// Each resource is handed to edit first, which may change it and answers whether
// it stays: what an engine does not know has to go.
func (t *Template) Edited(edit func(name string, resource map[string]any) bool) ([]byte, error) {
	whole, err := json.Marshal(t.root)
	if err != nil {
		return nil, fmt.Errorf("encode template: %w", err)
	}
	var root struct {
		Resources map[string]map[string]any
		rest
	}
	if err := json.Unmarshal(whole, &root); err != nil {
		return nil, fmt.Errorf("encode template: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(root.Resources)) {
		if !edit(name, root.Resources[name]) {
			delete(root.Resources, name)
		}
	}
	out, err := json.Marshal(root)
	if err != nil {
		return nil, fmt.Errorf("encode template: %w", err)
	}
	return out, nil
}

// rest is what a template holds beside its resources.
type rest struct {
	AWSTemplateFormatVersion                                             string
	Transform, Metadata, Parameters, Conditions, Globals, Outputs, Rules any `json:",omitempty"`
}
