// Package embedded is the engine for one machine: the same ports that the AWS
// adapters implement, on a small ordered key-value seam with two backends. One
// keeps a file (bbolt), is durable after each answer and lets one process in at
// a time; the other lives in memory and is for tests and the simulator.
//
//   - [Store] keeps incidents, texts, drafts, plans, what falls due, the ledger
//     and how far fan-outs have come.
//   - [Book] keeps subscribers, sign-ups and suppressions.
//   - [Rates] paces channels and holds their switches.
//   - [Queues] are durable queues with groups and visibility.
//   - [Mailbox] is a provider of its own: what people would have seen.
//   - [Secrets] reads credentials from files.
//
// The package knows no rule of delivery or of incidents: what may be written is
// decided by the pure functions of those packages, inside its transactions.
package embedded
