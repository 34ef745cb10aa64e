// Package incident holds the nouns of an outage and the rules between them:
// incidents and their stages, facts, outlooks, promises, updates, audiences,
// subscribers and signals. It uses the standard library only, does no input or
// output, and never asks for the time: whoever calls says what time it is.
//
// An [Incident] can only be built by [Open] or [Restore] and changed by its
// methods, each of which answers a new value, so that no illegal state can be
// stored by a caller that forgot a check.
package incident
