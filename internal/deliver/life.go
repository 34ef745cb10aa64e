package deliver

import "time"

// MemoLife is how long a memo that belongs to no incident is kept after it was
// written. Those of an incident are kept with it.
//
// The line of the ledger that says whether the memo was sent must live as long
// at least: a chunk that comes again finds no memo and sends nothing, or finds
// the memo and the line. With a memo alone it would be sent twice.
const MemoLife = 90 * 24 * time.Hour

// LedgerLife is how long after the end of an incident anybody may need a line of
// its ledger. A store that cannot see the end keeps a line for longer.
const LedgerLife = 90 * 24 * time.Hour
