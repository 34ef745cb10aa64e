// Package mastodon posts to accounts on Mastodon servers. Every stage of an
// incident answers the one before, so that readers find one thread.
//
// A server shows a repeat under the same Idempotency-Key once, but forgets keys
// after an hour. What is tried later than that is looked for among the
// account's own posts first.
package mastodon
