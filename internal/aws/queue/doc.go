// Package queue puts work on Amazon SQS queues, and keeps there what can never be
// handled.
//
//   - [Queues] sends chunks to the queue of their family, moves the moment at which
//     a message is shown again, and parks messages for a person to look at.
//   - [Nudges] wakes the due function at the second at which something falls due.
//
// All queues are standard ones: a message may come twice and out of order, and the
// ledger sees to it that this changes nothing. The package reads no queue for work;
// Lambda does that. It makes no client: one is given to it, with retries on.
package queue
