// Package access keeps the API keys: who may call the operators' interface, and
// what each of them may do there.
//
// A key is shown once, when it is made. What is kept is the hash of its secret,
// which is 256 bits of chance, so that a plain hash is enough: there is nothing to
// guess. One key is there from the beginning and kept nowhere here, see
// [Service.First]; with it the others are made.
//
// The package knows nothing of requests, and counts no uses: a key that is
// checked writes nothing.
package access
