package deliver

import "errors"

// ErrClosed says that a channel takes no new claims: its kill switch is off or
// its breaker open.
var ErrClosed = errors.New("channel closed")
