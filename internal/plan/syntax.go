package plan

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// The bounds of a file. The YAML parser calls itself at each level, so depth is
// checked on the tokens, before it runs.
const (
	maxSize   = 1 << 20
	maxTokens = 40_000
	maxDepth  = 12
	// maxColumn bounds where a block key or a dash may stand: every level of a
	// block stands further right than the one around it.
	maxColumn = 80
)

// syntax reads the file as YAML and answers its one mapping. Everything in
// YAML that a plan has no use for is refused: anchors, aliases, tags, merge
// keys, directives and further documents.
func syntax(src []byte, s *source) ast.Node {
	tokens := lexer.Tokenize(string(bytes.TrimPrefix(src, []byte("\ufeff"))))
	if !bounded(tokens, s) {
		return nil
	}
	file, err := parse(tokens)
	if err != nil {
		var at interface {
			GetMessage() string
			GetToken() *token.Token
		}
		line, column, problem := 1, 1, "is not YAML"
		if errors.As(err, &at) {
			problem += ": " + strings.ReplaceAll(at.GetMessage(), "\t", `\t`)
			if t := at.GetToken(); t != nil && t.Position != nil {
				line, column = t.Position.Line, t.Position.Column
			}
		}
		s.add(line, column, "", problem)
		return nil
	}
	docs := slices.DeleteFunc(file.Docs, func(d *ast.DocumentNode) bool { return d.Body == nil })
	if len(docs) == 0 {
		s.add(1, 1, "", "is empty; a plan begins with organisation:")
		return nil
	}
	if len(docs) > 1 {
		line, column := place(docs[1].Body)
		s.add(line, column, "", "begins a second document; a plan is one")
		return nil
	}
	return docs[0].Body
}

// parse runs the YAML parser. A panic in it is a fault of the file, not of the
// program: the file comes from outside and the parser is not ours.
func parse(tokens token.Tokens) (f *ast.File, err error) {
	defer func() {
		if v := recover(); v != nil {
			f, err = nil, fmt.Errorf("yaml parser: %v", v)
		}
	}()
	return parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
}

// refused names the kinds of token that a plan has no use for.
var refused = map[token.Type]string{
	token.AnchorType:     "anchors (&) are not allowed; write the value again",
	token.AliasType:      `aliases (*) are not allowed; put a pattern that begins with * in quotes: "*-down"`,
	token.TagType:        "tags (!) are not allowed; put text that begins with ! in quotes",
	token.MergeKeyType:   "merge keys (<<) are not allowed; write the values again",
	token.DirectiveType:  "directives (%) are not allowed; put text that begins with % in quotes",
	token.MappingKeyType: "complex keys (?) are not allowed; put text that begins with ? in quotes",
}

// bounded reports whether the tokens can be parsed without harm, and notes
// everything that is refused.
func bounded(tokens token.Tokens, s *source) bool {
	if len(tokens) > maxTokens {
		s.add(1, 1, "", "holds too much; a plan has at most 40,000 words and signs")
		return false
	}
	flow, keys := 0, 0
	for _, t := range tokens {
		if problem, ok := refused[t.Type]; ok {
			s.add(t.Position.Line, t.Position.Column, "", problem)
			continue
		}
		switch t.Type { //nolint:exhaustive // only what nests matters here
		case token.MappingStartType, token.SequenceStartType:
			flow, keys = flow+1, 0
		case token.MappingEndType, token.SequenceEndType:
			flow, keys = max(flow-1, 0), 0
		case token.CollectEntryType:
			keys = 0
		case token.MappingValueType:
			if flow > 0 {
				keys++
			}
		}
		block := flow == 0 && (t.Type == token.SequenceEntryType || t.Type == token.MappingValueType)
		if flow > maxDepth || keys > maxDepth || block && t.Position.Column > maxColumn {
			s.add(t.Position.Line, t.Position.Column, "", "is nested too deeply")
			break
		}
	}
	return len(s.faults) == 0
}

// readable reports whether the bytes are text of a sensible size at all.
func readable(src []byte, s *source) bool {
	if len(src) > maxSize {
		s.add(1, 1, "", "is larger than 1 MiB")
		return false
	}
	line, start := 1, 0
	for i := 0; i < len(src); {
		r, n := utf8.DecodeRune(src[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			s.add(line, utf8.RuneCount(src[start:i])+1, "", "is not UTF-8")
			return false
		case r == '\n':
			line, start = line+1, i+1
		case r < ' ' && r != '\t' && r != '\r' || r == 0x7f:
			s.add(line, utf8.RuneCount(src[start:i])+1, "", "holds a control character")
			return false
		}
		i += n
	}
	return true
}

// place answers where a node begins.
func place(n ast.Node) (line, column int) {
	switch v := n.(type) {
	case *ast.MappingNode:
		if !v.IsFlowStyle && len(v.Values) > 0 {
			return place(v.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return place(v.Key)
	}
	t := n.GetToken()
	if t == nil || t.Position == nil {
		return 1, 1
	}
	return t.Position.Line, t.Position.Column
}
