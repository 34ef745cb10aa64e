// Package channel holds what the adapters of single channels share: the two
// HTTP clients, the guard in front of addresses that strangers give us, the
// reading of Retry-After, the one place that turns a status into a
// [deliver.Failure], and the wave that sends envelopes in parallel before one
// deadline. It knows no provider.
//
// Each channel is one package below this one and implements [deliver.Sender].
// No other package of the program opens a connection to the outside.
package channel
