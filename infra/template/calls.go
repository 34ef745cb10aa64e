package template

import (
	"context"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// sdk begins the import paths of the clients of AWS.
const sdk = "github.com/aws/aws-sdk-go-v2/service/"

// writes are the kinds of write that a transaction of DynamoDB may hold.
var writes = []string{"ConditionCheck", "Delete", "Put", "Update"}

// Use is what a command makes use of.
type Use struct {
	// Calls are the operations of AWS it can call, sorted, such as
	// dynamodb.PutItem. What transactions of DynamoDB hold follows a slash:
	// dynamodb.TransactWriteItems/Put.
	Calls []string
	// Needs are the variables it does not start without, Reads all it looks at.
	Needs, Reads []string
}

// Uses answers what a command of the module at root makes use of.
//
// The linker cannot be asked: templates look methods up by their names, so it
// keeps every operation of every client. So this follows the source from main,
// by rapid type analysis: a method is reached by a call, or through an interface
// by a type that something reached has made use of.
func Uses(ctx context.Context, root, pkg string) (Use, error) {
	p, err := load(ctx, root, pkg)
	if err != nil {
		return Use{}, err
	}
	w := &walk{
		program: p, reached: map[*types.Func]bool{}, made: map[*types.Named]bool{},
		through: map[*types.Func]bool{}, calls: map[string]bool{}, needs: map[string]bool{},
		reads: map[string]bool{}, variables: p.variables(),
	}
	for _, n := range p.inits {
		w.visit(n)
	}
	w.reach(p.main.Scope().Lookup("main").(*types.Func))
	for len(w.todo) > 0 {
		n := w.todo[len(w.todo)-1]
		w.todo = w.todo[:len(w.todo)-1]
		w.visit(n)
	}
	keys := func(m map[string]bool) []string { return slices.Sorted(maps.Keys(m)) }
	return Use{keys(w.calls), keys(w.needs), keys(w.reads)}, nil
}

// variables answers the variable of each field of the settings.
func (p *program) variables() map[*types.Var]string {
	out := map[*types.Var]string{}
	if settings := p.packages[module+"internal/config"]; settings != nil {
		fields, _ := settings.Scope().Lookup("AWS").Type().Underlying().(*types.Struct)
		for i := range fields.NumFields() {
			out[fields.Field(i)] = reflect.StructTag(fields.Tag(i)).Get("env")
		}
	}
	return out
}

// A walk goes from function to function.
type walk struct {
	*program
	todo    []ast.Node
	reached map[*types.Func]bool
	made    map[*types.Named]bool // types that something reached names
	through map[*types.Func]bool  // methods of interfaces that are called
	calls   map[string]bool
	needs   map[string]bool
	reads   map[string]bool

	variables map[*types.Var]string
}

// visit follows what a body names.
func (w *walk) visit(n ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && w.mains(l.Pos()) && strings.HasPrefix(l.Value, `"SHIRASE_`) {
			w.needs[strings.Trim(l.Value, `"`)] = true
		}
		id, ok := n.(*ast.Ident)
		if !ok {
			return true
		}
		switch o := w.info.Uses[id].(type) {
		case *types.Func:
			w.reach(o.Origin())
		case *types.TypeName:
			w.make(o.Type())
			if o.Pkg() != nil && o.Pkg().Path() == sdk+"dynamodb/types" && slices.Contains(writes, o.Name()) {
				w.calls["dynamodb.TransactWriteItems/"+o.Name()] = true
			}
		case *types.Var:
			w.make(o.Type())
			if v := w.variables[o]; v != "" && w.mains(id.Pos()) {
				w.reads[v] = true
			}
		}
		return true
	})
}

// mains reports whether a place is in the code of commands, not in that of the
// settings themselves.
func (w *walk) mains(p token.Pos) bool {
	return strings.Contains(w.files.Position(p).Filename, "/functions/")
}

// reach follows a function or a method.
func (w *walk) reach(f *types.Func) {
	if w.reached[f] {
		return
	}
	w.reached[f] = true
	sig := f.Signature()
	for v := range sig.Results().Variables() {
		w.make(v.Type()) // what a constructor answers exists
	}
	if r := sig.Recv(); r != nil {
		if types.IsInterface(r.Type()) {
			w.through[f] = true
			for _, t := range slices.Collect(maps.Keys(w.made)) {
				w.join(t, f)
			}
			return
		}
		if service, ok := strings.CutPrefix(f.Pkg().Path(), sdk); ok && f.Exported() && f.Name() != "Options" && client(r.Type()) {
			w.calls[service+"."+f.Name()] = true
		}
	}
	// A paginator calls its operation by itself.
	if operation, ok := strings.CutSuffix(strings.TrimPrefix(f.Name(), "New"), "Paginator"); ok && strings.HasPrefix(f.Name(), "New") && f.Pkg() != nil {
		if service, ok := strings.CutPrefix(f.Pkg().Path(), sdk); ok {
			w.calls[service+"."+operation] = true
		}
	}
	if d := w.bodies[f]; d != nil && d.Body != nil {
		w.todo = append(w.todo, d.Body)
	}
}

// client reports whether a type is a pointer to a client of AWS.
func client(t types.Type) bool {
	p, ok := t.(*types.Pointer)
	if !ok {
		return false
	}
	n, ok := p.Elem().(*types.Named)
	return ok && n.Obj().Name() == "Client"
}

// make takes note of a type of ours: what interfaces call, it answers. Code that
// is not ours may call whatever an interface of its own asks for.
func (w *walk) make(t types.Type) {
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	n, ok := t.(*types.Named)
	if !ok || n.Obj().Pkg() == nil {
		return
	}
	n = n.Origin()
	if w.made[n] || !strings.HasPrefix(n.Obj().Pkg().Path(), module) || types.IsInterface(n) {
		return
	}
	w.made[n] = true
	for _, f := range slices.Collect(maps.Keys(w.through)) {
		w.join(n, f)
	}
	for m := range types.NewMethodSet(types.NewPointer(n)).Methods() {
		if f, ok := m.Obj().(*types.Func); ok && foreign(f.Name()) {
			w.reach(f.Origin())
		}
	}
}

// join reaches the method of a type that an interface's method stands for.
func (w *walk) join(t *types.Named, f *types.Func) {
	iface, ok := f.Signature().Recv().Type().Underlying().(*types.Interface)
	if !ok {
		return
	}
	p := types.NewPointer(t)
	if t.TypeParams().Len() == 0 && !types.Implements(p, iface) {
		return
	}
	m, _, _ := types.LookupFieldOrMethod(p, true, f.Pkg(), f.Name())
	if own, ok := m.(*types.Func); ok {
		w.reach(own.Origin())
	}
}

// foreign reports whether a method has a name that other people's interfaces call.
func foreign(name string) bool {
	return slices.Contains([]string{
		"Enabled", "Error", "Format", "GoString", "Handle", "HandleFinalize", "Invoke", "IsErrorRetryable", "LogValue", "MarshalJSON",
		"MarshalText", "MaxAttempts", "Read", "Resolve", "RetryDelay", "RoundTrip", "Schema", "ServeHTTP", "String",
		"UnmarshalJSON", "UnmarshalText", "Unwrap", "WithAttrs", "WithGroup", "Write",
	}, name)
}
