// Package secret fetches what nobody may read in a setting: the credentials that
// the plan names, from the parameter store of Systems Manager, and the root secret
// that all keys of the stack are made from, from Secrets Manager.
//
// No error holds a value. A credential is asked for anew after five minutes, so
// that a new one holds soon; the root secret is read once in the life of a process.
package secret
