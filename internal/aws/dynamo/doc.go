// Package dynamo keeps in Amazon DynamoDB what package embedded keeps in a file
// on one machine: the same ports, held to the same suites of porttest.
//
//   - [Store] keeps incidents, texts, drafts, plans and how far fan-outs have come;
//     [Agenda] tells what falls due, and the outbox.
//   - [Subscriptions] keeps subscriptions, consent, suppressions and the counts of
//     sign-ups; [Book] reads who is to be told.
//   - [Ledger] keeps who was told what.
//   - [Rates] keeps the pace and the switch of each channel.
//   - [Access] keeps API keys.
//   - [Schema] says what the tables look like; template.yaml makes the same.
//
// There are three tables, because their backup and retention needs differ. Every
// item has a partition key, a sort key and a body: the record as JSON, compressed
// where that is worth it. Beside the body stand only the attributes that a
// condition, an index or the time to live looks at. All keys are made in the
// files whose names begin with keys.
//
// The package knows no rule of delivery or of incidents. It makes no client and
// holds no clock: both are given to it. Of the client each type keeps the calls it
// makes and nothing else, so that a function links those alone and needs leave for
// no more (docs/decisions/0011-small-binaries.md). Every read that decides something is
// strongly consistent; the index, which cannot be, only ever answers keys, whose
// items are then read strongly.
package dynamo
