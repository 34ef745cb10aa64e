package api

import (
	"context"
	"log/slog"
	"net/http"
	"path"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"shirase/internal/access"
	"shirase/internal/announce"
	"shirase/internal/deliver"
	"shirase/internal/handler"
	"shirase/internal/incident"
	"shirase/internal/plan"
	"shirase/internal/ready"
)

// Role is what a key may do; see [access.Role].
type Role = access.Role

// The roles, least first.
const (
	Viewer    = access.Viewer
	Responder = access.Responder
	Approver  = access.Approver
	Admin     = access.Admin
)

// Principal is who a key belongs to.
type Principal = access.Principal

// Keys knows API keys.
type Keys interface {
	// Key answers whose key a token is; ok is false for any other token. It
	// compares in constant time.
	Key(ctx context.Context, token string) (p Principal, ok bool, err error)
}

// Config is what the API stands on.
type Config struct {
	Announce *announce.Service
	Listing  deliver.Listing
	Switches deliver.Switches
	Status   announce.Components
	// DeadLetters may be nil where the queues keep their own.
	DeadLetters DeadLetters
	Keys        Keys
	// Access makes and revokes keys; nil where there is one fixed key.
	Access *access.Service
	// Readiness may be nil where nothing tells what would keep updates back.
	Readiness *ready.Service
	// Parse reads a plan; see plan.Parse.
	Parse func([]byte) (*plan.Plan, error)
	// Families tells the family of every channel there is.
	Families map[incident.Channel]incident.Family
	Now      func() time.Time
	Log      *slog.Logger
}

// maxBody is the largest request body in bytes.
const maxBody = 64 << 10

// New answers the handler of everything under /v1.
func New(c Config) http.Handler {
	mux := http.NewServeMux()
	hc := huma.DefaultConfig("Shirase", "1")
	hc.OpenAPIPath, hc.DocsPath, hc.SchemasPath = "/v1/openapi", "", ""
	hc.CreateHooks = nil
	hc.RejectUnknownQueryParameters = true
	// What curl -d says of a body unless told otherwise; all bodies here are JSON.
	hc.Formats = map[string]huma.Format{
		"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat,
		"application/x-www-form-urlencoded": huma.DefaultJSONFormat,
	}
	hc.Info.Description = "Tells people about a service outage, in stages, on every channel."
	hc.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	hc.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"key": {Type: "http", Scheme: "bearer", Description: "A key of the form shk_<id>_<secret>; on loopback of one machine, local."},
	}
	problems()
	a := &server{Config: c, api: humago.New(mux, hc)}
	a.incidents()
	a.updates()
	a.plan()
	a.components()
	a.channels()
	if c.DeadLetters != nil {
		a.parked()
	}
	if c.Access != nil {
		a.keys()
	}
	if c.Readiness != nil {
		a.readiness()
	}
	return orProblem(mux)
}

// orProblem answers requests that no route takes as problems, too.
func orProblem(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		// The mux knows which it is, 404 or 405, and what is allowed instead.
		probe := &headerOnly{header: http.Header{}}
		h.ServeHTTP(probe, r)
		if allow := probe.header.Get("Allow"); allow != "" {
			w.Header().Set("Allow", allow)
		}
		handler.WriteProblem(w, handler.NewProblem(probe.status))
	})
}

// headerOnly keeps the status and header of an answer.
type headerOnly struct {
	header http.Header
	status int
}

func (p *headerOnly) Header() http.Header { return p.header }

func (p *headerOnly) WriteHeader(status int) { p.status = status }

func (p *headerOnly) Write(b []byte) (int, error) { return len(b), nil }

// schemaName tells types of the same name in different packages apart.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if pkg := path.Base(t.PkgPath()); pkg != "." && pkg != "api" && pkg != "/" {
		return strings.ToUpper(pkg[:1]) + pkg[1:] + name
	}
	return name
}

// server carries the configuration to the routes.
type server struct {
	Config
	api huma.API
}

// route adds one operation. The role is not optional: a route cannot be added
// without saying who may use it.
func route[I, O any](s *server, need Role, method, path, id, summary string, status int, fn func(context.Context, *I) (*O, error), alter ...func(*huma.Operation)) {
	op := huma.Operation{
		OperationID: id, Method: method, Path: path, Summary: summary, DefaultStatus: status, MaxBodyBytes: maxBody,
		Security:    []map[string][]string{{"key": {}}},
		Middlewares: huma.Middlewares{s.guard(need)},
		Description: "Needs the role " + string(need) + " or one above it.",
	}
	for _, f := range alter {
		f(&op)
	}
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := fn(ctx, in)
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		return out, nil
	})
}

type principalKey struct{}

// guard lets a request through if its key has the role.
func (s *server) guard(need Role) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		refuse := func(status int, why string) {
			if status == http.StatusUnauthorized {
				ctx.SetHeader("WWW-Authenticate", `Bearer realm="shirase"`)
			}
			_ = huma.WriteErr(s.api, ctx, status, why)
		}
		token, ok := strings.CutPrefix(ctx.Header("Authorization"), "Bearer ")
		if !ok {
			refuse(http.StatusUnauthorized, "send the key as Authorization: Bearer KEY")
			return
		}
		p, ok, err := s.Keys.Key(ctx.Context(), token)
		switch {
		case err != nil:
			s.Log.Error("key not checked", "error", err)
			refuse(http.StatusServiceUnavailable, "the key could not be checked; try again")
		case !ok:
			refuse(http.StatusUnauthorized, "the key is not known")
		case !p.Role.May(need):
			refuse(http.StatusForbidden, "this needs a key with the role "+string(need))
		default:
			next(huma.WithValue(ctx, principalKey{}, p))
		}
	}
}

func principal(ctx context.Context) Principal {
	p, _ := ctx.Value(principalKey{}).(Principal)
	return p
}
