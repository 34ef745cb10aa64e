package wire

import (
	"log/slog"
	"os"

	"shirase/internal/aws/log"
	"shirase/internal/config"
)

// logger writes to standard output, which Lambda collects. The stack's name keeps
// the metrics of two stacks of an account apart.
func logger(c config.AWS) *slog.Logger {
	l := log.New(os.Stdout, c.LogLevel)
	if c.Stack != "" {
		l = l.With("stack", c.Stack)
	}
	return l
}
