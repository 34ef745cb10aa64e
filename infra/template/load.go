package template

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// module begins the import paths of our own packages.
const module = "shirase/"

// A listed is a package as go list tells of it.
type listed struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
}

// A program is a command with the packages of ours that it is made of, typed.
type program struct {
	main     *types.Package
	packages map[string]*types.Package
	files    *token.FileSet
	info     *types.Info
	bodies   map[*types.Func]*ast.FuncDecl
	inits    []ast.Node // what runs when a package is loaded
	importer types.Importer
}

// load types a command of the module at root: our packages from their source,
// all others from what the compiler wrote of them.
func load(ctx context.Context, root, pkg string) (*program, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-deps", "-export", "-tags", "lambda.norpc,nethttpomithttp2", "-json=ImportPath,Dir,Export,GoFiles", pkg) //nolint:gosec // the caller names a package of ours
	cmd.Dir = root
	var wrong bytes.Buffer
	cmd.Stderr = &wrong
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list %s: %w: %s", pkg, err, wrong.String())
	}
	fset := token.NewFileSet()
	exports := map[string]string{}
	p := &program{
		files: fset, packages: map[string]*types.Package{}, bodies: map[*types.Func]*ast.FuncDecl{},
		info: &types.Info{
			Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{},
			Types: map[ast.Expr]types.TypeAndValue{}, Selections: map[*ast.SelectorExpr]*types.Selection{},
		},
	}
	compiled := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	p.importer = both{p.packages, compiled}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := dec.Decode(&l); errors.Is(err, io.EOF) {
			return p, nil
		} else if err != nil {
			return nil, fmt.Errorf("list %s: %w", pkg, err)
		}
		exports[l.ImportPath] = l.Export
		if strings.HasPrefix(l.ImportPath, module) {
			if err := p.check(fset, l); err != nil {
				return nil, err
			}
		}
	}
}

// both answers our own packages as they were typed here, others as compiled.
type both struct {
	own    map[string]*types.Package
	others types.Importer
}

// Import implements [types.Importer].
func (b both) Import(path string) (*types.Package, error) {
	if p := b.own[path]; p != nil {
		return p, nil
	}
	return b.others.Import(path)
}

func (p *program) check(fset *token.FileSet, l listed) error {
	var files []*ast.File
	for _, name := range l.GoFiles {
		f, err := parser.ParseFile(fset, filepath.Join(l.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("parse %s: %w", l.ImportPath, err)
		}
		files = append(files, f)
	}
	typed, err := (&types.Config{Importer: p.importer}).Check(l.ImportPath, fset, files, p.info)
	if err != nil {
		return fmt.Errorf("type %s: %w", l.ImportPath, err)
	}
	p.packages[l.ImportPath], p.main = typed, typed // the command comes last
	for _, f := range files {
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.GenDecl:
				if d.Tok == token.VAR {
					p.inits = append(p.inits, d)
				}
			case *ast.FuncDecl:
				fn, _ := p.info.Defs[d.Name].(*types.Func)
				if fn == nil { // an init function has no object that can be named
					p.inits = append(p.inits, d.Body)
				} else {
					p.bodies[fn] = d
				}
				if d.Name.Name == "init" && d.Recv == nil {
					p.inits = append(p.inits, d.Body)
				}
			}
		}
	}
	return nil
}
