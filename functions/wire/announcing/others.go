package announcing

import (
	"context"
	"strings"

	"shirase/internal/handler"
	"shirase/internal/incident"
)

// Others passes on what monitors say of anything but our own stack. Alarms on
// ourselves reach the operators by a way that does not need us; taken in here,
// they would make us report our own troubles to ourselves, in a circle.
type Others struct {
	handler.AlarmIntake
	// Stack begins the names of our own alarms.
	Stack string
}

// Signal implements handler.AlarmIntake.
func (o Others) Signal(ctx context.Context, s incident.Signal) error {
	if strings.HasPrefix(s.Alarm, o.Stack+"-") {
		return nil
	}
	return o.AlarmIntake.Signal(ctx, s)
}
