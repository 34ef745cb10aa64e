package wire

import (
	"log/slog"
	"os"

	"shirase/internal/aws/log"
	"shirase/internal/config"
)

// logger writes to standard output, which Lambda collects.
func logger(c config.AWS) *slog.Logger { return log.New(os.Stdout, c.LogLevel) }
