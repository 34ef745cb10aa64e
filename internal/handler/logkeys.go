package handler

// The attribute keys of this package's log lines, beside the kinds and effects of
// receipts, which are keys of counts. Values are counts, kinds and ids; never a
// payload, an address or a token.
const (
	keyFunction   = "function"
	keyRecords    = "records"
	keyFailed     = "failed" // ended in an error, and come again
	keyLater      = "later"  // not finished, which is no fault
	keyParked     = "parked"
	keySignals    = "signals"
	keyUnreadable = "unreadable"
	keyTook       = "took_ms"
	keyWaited     = "waited_ms" // since the oldest of those that stay was sent
	keyMessage    = "message_id"
	keyAttempt    = "attempt"
	keyWait       = "wait_ms"
	keyReason     = "reason"
	keyError      = "error"
	keyPanic      = "panic"
	keyStack      = "stack"
	keyStatus     = "status"
)

// The messages of this package's log lines.
const (
	msgDone      = "invocation done"
	msgKept      = "record kept for later"
	msgParked    = "record parked"
	msgUnread    = "alarm not readable"
	msgPanic     = "panic in a record"
	msgHTTPPanic = "panic in a request"
	msgHTTPLarge = "response too long"
	msgPostpone  = "visibility not moved"
)
