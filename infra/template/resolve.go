package template

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Account, Region and Name are what the pseudo parameters stand for.
const (
	Account = "111122223333"
	Region  = "ap-northeast-1"
	Name    = "shirase"
)

// absent is what AWS::NoValue is.
type absent struct{}

// resolver resolves a template for one choice of parameters. What is known only
// after deployment stays a name: ${Thing} for its Ref, ${Thing.Arn} for an
// attribute.
type resolver struct {
	parameters map[string]any
	conditions map[string]any
	seen       map[string]bool // conditions under way
}

// Resolve answers the stack that these parameters make; those that are not given
// have their defaults. A required one must be given.
func (t *Template) Resolve(given map[string]string) (*Stack, error) {
	r := &resolver{seen: map[string]bool{}, parameters: map[string]any{
		"AWS::AccountId": Account, "AWS::Region": Region, "AWS::StackName": Name,
		"AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com", "AWS::NoValue": absent{},
	}}
	r.conditions, _ = t.root["Conditions"].(map[string]any)
	declared, _ := t.root["Parameters"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		v := at(declared[name], "Default")
		if g, ok := given[name]; ok {
			v = g
		}
		if v == nil {
			return nil, fmt.Errorf("parameter %s is required", name)
		}
		r.parameters[name] = v
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if declared[name] == nil {
			return nil, fmt.Errorf("there is no parameter %s", name)
		}
	}
	return r.stack(t)
}

func (r *resolver) stack(t *Template) (*Stack, error) {
	s := &Stack{resources: map[string]Resource{}}
	globals, err := r.value(at(t.root, "Globals", "Function"))
	if err != nil {
		return nil, fmt.Errorf("globals: %w", err)
	}
	resources, _ := t.root["Resources"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(resources)) {
		raw, _ := resources[name].(map[string]any)
		if c := text(raw["Condition"]); c != "" {
			ok, err := r.condition(c)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if !ok {
				continue
			}
		}
		whole, err := r.value(raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		res := Resource{Name: name, Type: text(raw["Type"]), whole: whole}
		if res.Type == samFunction {
			res.whole.(map[string]any)["Properties"] = merge(globals, at(whole, "Properties"))
		}
		s.resources[name] = res
	}
	return s, nil
}

// merge adds what Globals say to the properties of a function, as SAM does.
func merge(global, own any) any {
	g, gok := global.(map[string]any)
	o, ook := own.(map[string]any)
	if !gok || !ook {
		if own != nil {
			return own
		}
		return global
	}
	out := maps.Clone(g)
	for k, v := range o {
		out[k] = merge(g[k], v)
	}
	return out
}

func (r *resolver) condition(name string) (bool, error) {
	c, ok := r.conditions[name]
	if !ok || r.seen[name] {
		return false, fmt.Errorf("condition %s is missing, or asks for itself", name)
	}
	r.seen[name] = true
	defer delete(r.seen, name)
	v, err := r.value(c)
	yes, ok := v.(bool)
	if err == nil && !ok {
		err = fmt.Errorf("condition %s is no condition", name)
	}
	return yes, err
}

func (r *resolver) value(v any) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 1 {
			for k, arg := range v {
				_, named := arg.(string)
				if k == "Ref" || strings.HasPrefix(k, "Fn::") || k == "Condition" && named {
					return r.function(k, arg)
				}
			}
		}
		out := map[string]any{}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			e, err := r.value(v[k])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", k, err)
			}
			if _, gone := e.(absent); !gone {
				out[k] = e
			}
		}
		return out, nil
	case []any:
		out := []any{}
		for _, e := range v {
			e, err := r.value(e)
			if err != nil {
				return nil, err
			}
			if _, gone := e.(absent); !gone {
				out = append(out, e)
			}
		}
		return out, nil
	default:
		return v, nil
	}
}

func (r *resolver) function(name string, arg any) (any, error) {
	switch name {
	case "Condition":
		return r.condition(text(arg))
	case "Fn::If":
		return r.choose(arg)
	}
	arg, err := r.value(arg)
	if err != nil {
		return nil, err
	}
	list, _ := arg.([]any)
	switch {
	case name == "Ref":
		return r.ref(text(arg)), nil
	case name == "Fn::GetAtt" && len(list) == 2:
		return "${" + text(list[0]) + "." + text(list[1]) + "}", nil
	case name == "Fn::Sub" && list == nil:
		return r.sub(text(arg)), nil
	case name == "Fn::Join" && len(list) == 2:
		var parts []string
		for _, e := range items(list[1]) {
			parts = append(parts, text(e))
		}
		return strings.Join(parts, text(list[0])), nil
	case name == "Fn::Split" && len(list) == 2:
		parts := []any{}
		for part := range strings.SplitSeq(text(list[1]), text(list[0])) {
			parts = append(parts, part)
		}
		return parts, nil
	case name == "Fn::Equals" && len(list) == 2:
		return text(list[0]) == text(list[1]), nil
	case name == "Fn::Not" && len(list) == 1:
		return list[0] != true, nil
	default:
		return nil, fmt.Errorf("%s is not understood here", name)
	}
}

func (r *resolver) choose(arg any) (any, error) {
	list, _ := arg.([]any)
	if len(list) != 3 {
		return nil, fmt.Errorf("Fn::If takes three")
	}
	yes, err := r.condition(text(list[0]))
	if err != nil {
		return nil, err
	}
	if yes {
		return r.value(list[1])
	}
	return r.value(list[2])
}

func (r *resolver) ref(name string) any {
	if v, ok := r.parameters[name]; ok {
		return v
	}
	return "${" + name + "}"
}

var placeholder = regexp.MustCompile(`\$\{([^!}][^}]*)\}`)

func (r *resolver) sub(s string) string {
	s = placeholder.ReplaceAllStringFunc(s, func(m string) string {
		if v, ok := r.parameters[m[2:len(m)-1]]; ok {
			return text(v)
		}
		return m
	})
	return strings.ReplaceAll(s, "${!", "${")
}
