package api_test

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"shirase/internal/announce"
	"shirase/internal/incident"
)

// enough is how many histories it may take to find a planted fault.
const enough = 100

// TestWhatIsNotLinearizableIsFound plants a fault at a port, one at a time.
func TestWhatIsNotLinearizableIsFound(t *testing.T) {
	t.Parallel()
	for _, f := range []struct {
		name  string
		plant func(*shaky, *ports)
	}{
		{"the version is not looked at", func(s *shaky, p *ports) { p.store = careless{s} }},
		{"answers are forgotten", func(s *shaky, p *ports) { p.store = forgets{s} }},
		{"an old state is read", func(s *shaky, p *ports) { p.reader = &old{shaky: s, was: map[incident.ID]incident.Incident{}} }},
		{"a change is dropped", func(s *shaky, p *ports) { p.store = drops{s} }},
		{"an answer is kept without its change", func(s *shaky, p *ports) { p.store = tears{s} }},
		{"half a merge is made", func(s *shaky, p *ports) { p.store = halves{s} }},
		{"a change is made twice", func(s *shaky, p *ports) { p.store = doubles{s} }},
		{"a withdrawal leaves no mark", func(s *shaky, p *ports) { p.store = unmarks{s} }},
		{"If-Match is not looked at", func(_ *shaky, p *ports) { p.front = without("If-Match") }},
		{"Idempotency-Key is not looked at", func(_ *shaky, p *ports) { p.front = without("Idempotency-Key") }},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(enough) {
				b, _ := history(t, seed, func(s *shaky, p *ports) { f.plant(s, p) })
				if b.judge() != "" {
					t.Logf("found in history %d", seed+1)
					return
				}
			}
			t.Errorf("not found in %d histories", enough)
		})
	}
}

// careless writes over whatever is there.
type careless struct{ *shaky }

func (s careless) Commit(ctx context.Context, c announce.Change) error {
	if !s.calm.Load() {
		c.Incidents = slices.Clone(c.Incidents)
		for n, v := range c.Incidents {
			if now, err := s.Store.Incident(ctx, v.Incident.ID()); err == nil && v.Base != 0 {
				c.Incidents[n].Base = now.Version()
			}
		}
		c.Updates = slices.DeleteFunc(slices.Clone(c.Updates), func(u incident.Update) bool {
			_, err := s.Update(ctx, u.Incident, u.Seq)
			return err == nil
		})
	}
	return s.shaky.Commit(ctx, c)
}

// forgets keeps no answers.
type forgets struct{ *shaky }

func (forgets) Answer(context.Context, string, time.Time) (announce.Answer, bool, error) {
	return announce.Answer{}, false, nil
}

func (s forgets) Commit(ctx context.Context, c announce.Change) error {
	c.Answer = nil
	return s.shaky.Commit(ctx, c)
}

// old answers, now and then, what was read before.
type old struct {
	*shaky
	mu  sync.Mutex
	was map[incident.ID]incident.Incident
}

func (s *old) Incident(ctx context.Context, id incident.ID) (incident.Incident, error) {
	now, err := s.shaky.Incident(ctx, id)
	s.mu.Lock()
	defer s.mu.Unlock()
	was, ok := s.was[id]
	if err == nil {
		s.was[id] = now
	}
	if ok && !s.calm.Load() && s.draw(8) == 0 {
		return was, nil
	}
	return now, err
}

// drops says that a change is made and does not make it.
type drops struct{ *shaky }

func (s drops) Commit(ctx context.Context, c announce.Change) error {
	if !s.calm.Load() && s.draw(20) == 0 {
		return nil
	}
	return s.shaky.Commit(ctx, c)
}

// tears keeps the answer of a change that is lost.
type tears struct{ *shaky }

func (s tears) Commit(ctx context.Context, c announce.Change) error {
	if !s.calm.Load() && c.Answer != nil && s.draw(10) == 0 {
		if err := s.Store.Commit(ctx, announce.Change{Answer: c.Answer}); err != nil {
			return err
		}
		return errLost
	}
	return s.shaky.Commit(ctx, c)
}

// halves ends one incident and does not tell the other.
type halves struct{ *shaky }

func (s halves) Commit(ctx context.Context, c announce.Change) error {
	if !s.calm.Load() {
		c.Incidents = slices.Clone(c.Incidents[:min(1, len(c.Incidents))])
	}
	return s.shaky.Commit(ctx, c)
}

// doubles tells of a conflict with a change that it has made itself.
type doubles struct{ *shaky }

func (s doubles) Commit(ctx context.Context, c announce.Change) error {
	err := s.shaky.Commit(ctx, c)
	if err == nil && !s.calm.Load() && c.Answer == nil && s.draw(10) == 0 {
		return incident.ErrConflict
	}
	return err
}

// unmarks forgets which update was taken back.
type unmarks struct{ *shaky }

func (s unmarks) Commit(ctx context.Context, c announce.Change) error {
	c.Incidents = slices.Clone(c.Incidents)
	for n, v := range c.Incidents {
		snap := v.Incident.Snapshot()
		for k := range snap.Lines {
			snap.Lines[k].WithdrawnAt = time.Time{}
		}
		if i, err := incident.Restore(snap); err == nil {
			c.Incidents[n].Incident = i
		}
	}
	return s.shaky.Commit(ctx, c)
}

// without takes a header away.
func without(name string) func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del(name)
			h.ServeHTTP(w, r)
		})
	}
}
