// Package subscribe lets people and endpoints ask to be told, and lets them
// stop: sign-up, confirmation, preferences, unsubscribing, suppression, import.
//
// Nobody is ever told anything that they have not confirmed on the very channel
// they gave: a mail holds a link, an SMS a code, a webhook must answer a
// challenge. A sign-up answers the same whether or not the address is known.
// Links are signed tokens; those that stop the mails never die, the others do.
// An address is kept only while it is needed: afterwards its keyed hash
// remembers the wish.
//
// Every change is one conditional write that carries its own consent entry and
// the work it causes, so that a crash right after it loses nothing: [Service.Sweep]
// finds whatever was left open. The package sends nothing itself and does not
// decide who is told what; that is package deliver's.
package subscribe
