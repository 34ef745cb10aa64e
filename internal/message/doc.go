// Package message turns facts into words: one set of facts, many texts. It
// renders every update for every audience and locale in every family of
// channel, cuts each text to its limit without hurting a word, a link or a
// character, and blocks what must never leave: secrets, internal names,
// guesses in a customer's text, unresolved places, drills mixed with the real.
//
// All words stand in templates and locale files, Japanese and English always
// together. The package sends nothing and stores nothing.
package message
