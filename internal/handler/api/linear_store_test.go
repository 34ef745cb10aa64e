package api_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"shirase/internal/announce"
	"shirase/internal/embedded"
	"shirase/internal/incident"
)

// errLost is a store that did not answer in time.
var errLost = errors.New("no answer")

// shaky is a store whose answers cannot be relied on, though what it keeps can.
// A seed says what befalls which call.
type shaky struct {
	*embedded.Store
	seed  uint64
	calls atomic.Uint64
	calm  atomic.Bool

	mu sync.Mutex
	// late are changes that were asked for and are still on their way.
	late []announce.Change
	// befell counts what befell the calls, by name.
	befell map[string]int
}

// draw answers a number below n for the next call.
func (s *shaky) draw(n uint64) uint64 {
	x := s.seed + s.calls.Add(1)*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return (x ^ x>>31) % n
}

// pause lets others go first.
func (s *shaky) pause() {
	for range s.draw(6) {
		runtime.Gosched()
	}
}

func (s *shaky) count(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.befell[what]++
}

// arrive makes the changes that were on their way.
func (s *shaky) arrive(ctx context.Context) {
	s.mu.Lock()
	late := s.late
	s.late = nil
	s.mu.Unlock()
	for _, c := range late {
		if err := s.Store.Commit(ctx, c); err == nil {
			s.count("late change made")
		} else if !errors.Is(err, incident.ErrConflict) {
			panic(fmt.Sprintf("a late change: %v", err))
		}
	}
}

// Commit implements announce.Committer, within what it promises.
func (s *shaky) Commit(ctx context.Context, c announce.Change) error {
	s.pause()
	if s.calm.Load() {
		return s.Store.Commit(ctx, c)
	}
	fate := s.draw(100)
	if fate >= 50 {
		s.arrive(ctx)
	}
	switch {
	case fate < 5:
		s.count("change lost")
		return errLost
	case fate < 10:
		if err := s.Store.Commit(ctx, c); err != nil {
			return s.tell(err)
		}
		s.count("change made, answer lost")
		return context.DeadlineExceeded
	case fate < 13:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.late = append(s.late, c)
		return errLost
	case fate < 18:
		s.count("conflict without cause")
		return incident.ErrConflict
	case fate < 22 && c.Answer != nil:
		if err := s.Store.Commit(ctx, c); err != nil {
			return s.tell(err)
		}
		s.count("change made, conflict told")
		return incident.ErrConflict
	}
	return s.tell(s.Store.Commit(ctx, c))
}

// tell counts the races that were lost.
func (s *shaky) tell(err error) error {
	if errors.Is(err, incident.ErrConflict) {
		s.count("race lost")
	}
	return err
}

// Answer implements announce.Committer.
func (s *shaky) Answer(ctx context.Context, key string, now time.Time) (announce.Answer, bool, error) {
	s.pause()
	if !s.calm.Load() && s.draw(50) == 0 {
		s.count("read lost")
		return announce.Answer{}, false, errLost
	}
	a, ok, err := s.Store.Answer(ctx, key, now)
	if ok {
		s.count("answer repeated")
	}
	return a, ok, err
}

// Incident implements announce.Reader.
func (s *shaky) Incident(ctx context.Context, id incident.ID) (incident.Incident, error) {
	s.pause()
	if !s.calm.Load() && s.draw(50) == 0 {
		s.count("read lost")
		return incident.Incident{}, errLost
	}
	defer s.pause()
	return s.Store.Incident(ctx, id)
}
