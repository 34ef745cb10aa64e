package main

import (
	"bytes"
	"context"
	"strings"
	"sync"
)

// logged takes down what a process says on its standard error. Each invocation
// of a function is a line, so the lines tell how far its work has come.
type logged struct {
	mu    sync.Mutex
	rest  []byte
	lines int
	// loud are the lines that somebody has to look at: errors, and whatever else
	// is neither information nor a warning, which tells of a retry.
	loud []string
	more chan struct{}
}

// Write implements io.Writer.
func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, b...)
	for {
		line, rest, ok := bytes.Cut(l.rest, []byte("\n"))
		if !ok {
			break
		}
		l.rest = rest
		l.lines++
		if s := string(line); !strings.Contains(s, " level=INFO ") && !strings.Contains(s, " level=WARN ") {
			l.loud = append(l.loud, s)
		}
	}
	select {
	case l.more <- struct{}{}:
	default:
	}
	return len(b), nil
}

// said answers the lines that somebody has to look at.
func (l *logged) said() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.loud...)
}

func (l *logged) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines
}

// reach waits until there are n lines, or the context ends.
func (l *logged) reach(ctx context.Context, n int) {
	for l.count() < n {
		select {
		case <-l.more:
		case <-ctx.Done():
			return
		}
	}
}
