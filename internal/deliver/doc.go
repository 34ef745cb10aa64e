// Package deliver brings the text of an update to everyone who has to know:
// never an older stage after a newer one, once visibly where the provider takes
// a key, and to everyone who was told the beginning also the end.
//
// A pointer names an update. [FanOut] turns it into chunks that name people,
// not a text. [Send] takes a chunk at its turn and for each person claims,
// checks, sends and settles: the claim is written before the incident is read
// again, so whatever is retracted later finds the claim and follows it. The
// rules are two pure functions, [Decide] and [Choose]; everything else carries
// out what they say.
package deliver
