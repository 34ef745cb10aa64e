package template

import (
	"fmt"
	"os"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// A Template is a template as it is written, intrinsic functions in their long
// form: !Ref x is {"Ref": "x"}.
type Template struct {
	root map[string]any
}

// Read reads a template from a file of YAML or JSON.
func Read(path string) (*Template, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the caller names a template of ours
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	t, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// Parse reads a template from YAML or JSON. Keys that come twice are an error, and
// so are those without a value, which is what the parser makes of sqs:SendMessage
// in braces.
func Parse(text []byte) (*Template, error) {
	f, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, fmt.Errorf("parse template: %w", err)
	}
	if len(f.Docs) != 1 {
		return nil, fmt.Errorf("parse template: %d documents, want 1", len(f.Docs))
	}
	v, err := value(f.Docs[0].Body)
	if err != nil {
		return nil, fmt.Errorf("parse template: %w", err)
	}
	root, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("parse template: it is no mapping")
	}
	return &Template{root}, nil
}

// value makes plain values of a node: maps, lists, strings, numbers, booleans.
func value(n ast.Node) (any, error) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return mapping(n.Values)
	case *ast.MappingValueNode:
		return mapping([]*ast.MappingValueNode{n})
	case *ast.SequenceNode:
		out := make([]any, 0, len(n.Values))
		for _, e := range n.Values {
			v, err := value(e)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	case *ast.TagNode:
		return tagged(n)
	case *ast.LiteralNode:
		return n.Value.Value, nil
	case *ast.NullNode:
		return nil, nil
	case *ast.BoolNode:
		return n.Value, nil
	case *ast.StringNode:
		return n.Value, nil
	case *ast.IntegerNode, *ast.FloatNode:
		return number(n.(ast.ScalarNode).GetValue()), nil
	default:
		return nil, fmt.Errorf("line %d: a %s is not understood here", n.GetToken().Position.Line, n.Type())
	}
}

func mapping(pairs []*ast.MappingValueNode) (any, error) {
	out := make(map[string]any, len(pairs))
	for _, p := range pairs {
		k, err := value(p.Key)
		if err != nil {
			return nil, err
		}
		key := fmt.Sprint(k)
		if _, none := p.Value.(*ast.NullNode); none {
			return nil, fmt.Errorf("line %d: %s has no value; in braces, names with a colon are quoted", p.GetToken().Position.Line, key)
		}
		if _, twice := out[key]; twice {
			return nil, fmt.Errorf("line %d: %s comes twice", p.GetToken().Position.Line, key)
		}
		if out[key], err = value(p.Value); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// tagged turns a short form into the long one. !GetAtt takes A.B, which the long
// form has as a list.
func tagged(n *ast.TagNode) (any, error) {
	v, err := value(n.Value)
	if err != nil {
		return nil, err
	}
	name := strings.TrimPrefix(n.Start.Value, "!")
	switch name {
	case "Ref", "Condition":
		return map[string]any{name: v}, nil
	case "GetAtt":
		if s, ok := v.(string); ok {
			resource, attribute, _ := strings.Cut(s, ".")
			v = []any{resource, attribute}
		}
	}
	return map[string]any{"Fn::" + name: v}, nil
}

// number makes one type of all numbers.
func number(v any) any {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case uint64:
		return float64(v)
	default:
		return v
	}
}
