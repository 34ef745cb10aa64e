// Package secret fetches what nobody may read in a setting, from Secrets Manager:
// the credentials that the plan names, and the root secret that all keys of the
// stack are made from.
//
// No error holds a value. A credential is asked for anew after five minutes, so
// that a new one holds soon.
package secret
