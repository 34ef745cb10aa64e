// Package queue puts work on Amazon SQS queues, and keeps there what can never be
// handled.
//
//   - [Chunks] sends chunks to the queue of their family.
//   - [Own] moves the moment at which a message of a function's own queues is
//     shown again.
//   - [Parking] parks messages for a person to look at, and [Lot] lists them.
//   - [Nudges] wakes the due function at the second at which something falls due.
//
// All queues are standard ones: a message may come twice and out of order, and the
// ledger sees to it that this changes nothing. The package reads no queue for work;
// Lambda does that. It makes no client: one is given to it, with retries on. Of the
// client each type keeps the calls it makes and nothing else, so that a function
// links those alone and needs leave for no more (docs/decisions/0011-small-binaries.md).
package queue
