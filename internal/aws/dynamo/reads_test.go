package dynamo

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"shirase/internal/incident"
)

// ignore makes an error of what answers more.
func ignore[T any](_ T, err error) error { return err }

func page[T any](_ []T, _ string, err error) error { return err }

// reads are all the reads of a store and its agenda, by name.
func reads(s *Store, a *Agenda) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"Incident":        func(ctx context.Context) error { return ignore(s.Incident(ctx, "i")) },
		"Update":          func(ctx context.Context) error { return ignore(s.Update(ctx, "i", 1)) },
		"Live":            func(ctx context.Context) error { return ignore(s.Live(ctx)) },
		"Incidents":       func(ctx context.Context) error { return page(s.Incidents(ctx, "", 2)) },
		"Updates":         func(ctx context.Context) error { return ignore(s.Updates(ctx, "i")) },
		"Messages":        func(ctx context.Context) error { return ignore(s.Messages(ctx, "i", 1)) },
		"Message":         func(ctx context.Context) error { return ignore(s.Message(ctx, "i", 1, "a", "ja")) },
		"Memo":            func(ctx context.Context) error { return ignore(s.Memo(ctx, "i", "s")) },
		"Notes":           func(ctx context.Context) error { return ignore(s.Notes(ctx, "i")) },
		"Signals":         func(ctx context.Context) error { return page(s.Signals(ctx, "", "", 2)) },
		"Signals of one":  func(ctx context.Context) error { return page(s.Signals(ctx, "i", "", 2)) },
		"Draft":           func(ctx context.Context) error { return ignore(s.Draft(ctx, "d")) },
		"Drafts":          func(ctx context.Context) error { return ignore(s.Drafts(ctx, "i")) },
		"OpenDrafts":      func(ctx context.Context) error { return ignore(s.OpenDrafts(ctx, "i")) },
		"Alarm":           func(ctx context.Context) error { return ignore(s.Alarm(ctx, "f")) },
		"Alarms":          func(ctx context.Context) error { return ignore(s.Alarms(ctx, "i")) },
		"Group":           func(ctx context.Context) error { return ignore(s.Group(ctx, "g")) },
		"ComponentStatus": func(ctx context.Context) error { return ignore(s.ComponentStatus(ctx, "c")) },
		"Due":             func(ctx context.Context) error { return ignore(a.Due(ctx, noon, 2)) },
		"Awaits":          func(ctx context.Context) error { return ignore(a.Awaits(ctx, "d")) },
		"Outbox":          func(ctx context.Context) error { return ignore(a.Outbox(ctx, noon, 2)) },
		"Current":         func(ctx context.Context) error { return ignore(s.Current(ctx)) },
		"Version":         func(ctx context.Context) error { return ignore(s.Version(ctx, 1)) },
		"Job":             func(ctx context.Context) error { return ignore(s.Job(ctx, "i", 1, incident.Email)) },
		"Answer": func(ctx context.Context) error {
			_, _, err := s.Answer(ctx, "k", noon)
			return err
		},
	}
}

// found answers one row that a Query asks for.
func found(call stubCall, body string) object {
	sk := "x"
	if from, ok := call.input["ExpressionAttributeValues"].(object)[":from"].(object); ok {
		sk = from["S"].(string) + sk
	}
	r := row(key{"P", sk}, body)
	r[attrGSK] = str("0")
	return object{"Items": []object{r}}
}

// Engines are always consistent, so they cannot tell.
func TestEveryReadIsStronglyConsistent(t *testing.T) {
	t.Parallel()
	for name := range reads(nil, nil) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api, s := stubbed(t, func(_ int, call stubCall) (int, object) {
				if call.op == "Query" {
					return http.StatusOK, found(call, `"x"`) // an id, so that a second read follows
				}
				return http.StatusOK, object{}
			})
			_ = reads(storeOf(api), NewAgenda(api, tables))[name](t.Context()) // it may find nothing, or what it cannot read
			if len(s.seen()) == 0 {
				t.Fatal("nothing is read")
			}
			for _, call := range s.seen() {
				switch call.op {
				case "GetItem", "Query":
					if index := call.input["IndexName"] != nil; call.input["ConsistentRead"] != true && !index {
						t.Errorf("%s of %v may be old", call.op, call.input["Key"])
					}
				case "BatchGetItem":
					for table, ask := range call.input["RequestItems"].(object) {
						if ask.(object)["ConsistentRead"] != true {
							t.Errorf("BatchGetItem of %s may be old", table)
						}
					}
				default:
					t.Errorf("a read calls %s", call.op)
				}
			}
		})
	}
}

// A read that fails is no read of nothing.
func TestReadsSayThatTheyFailed(t *testing.T) {
	t.Parallel()
	for name := range reads(nil, nil) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api, _ := stubbed(t, func(int, stubCall) (int, object) { return fault("ResourceNotFoundException", nil) })
			err := reads(storeOf(api), NewAgenda(api, tables))[name](t.Context())
			if err == nil || errors.Is(err, incident.ErrNotFound) || errors.Is(err, incident.ErrConflict) {
				t.Errorf("%s() without its table = %v, want an error of no kind", name, err)
			}
		})
	}
}

func TestRecordsThatCannotBeReadAreErrors(t *testing.T) {
	t.Parallel()
	const broken = `{"id":[`
	for name := range reads(nil, nil) {
		if name == "Awaits" || name == "Group" { // they read no body
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api, _ := stubbed(t, func(_ int, call stubCall) (int, object) {
				switch call.op {
				case "GetItem":
					return http.StatusOK, object{"Item": row(key{"P", "S"}, broken)}
				case "Query":
					return http.StatusOK, found(call, broken)
				}
				rows := []object{}
				for _, k := range call.asked(t) {
					rows = append(rows, row(k, broken))
				}
				return http.StatusOK, object{"Responses": object{"incidents": rows}}
			})
			if err := reads(storeOf(api), NewAgenda(api, tables))[name](t.Context()); err == nil {
				t.Errorf("%s() of a broken record = none, want an error", name)
			}
		})
	}
}
