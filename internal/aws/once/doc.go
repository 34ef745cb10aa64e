// Package once makes calls to AWS that must not be made twice without knowing:
// SES and the services for SMS take no idempotency key, so a request that was
// handed over and not answered may have been carried out.
//
// [NewRetryer] makes a retryer that repeats a call only where nothing was taken:
// a throttle, a refused connection. [Patient] gives an attempt more time than calls
// have that may be repeated. [Judge] turns the error that is left into a
// [deliver.Failure]. None puts what AWS wrote into an error, since it likes to
// repeat addresses.
package once
