// Package once makes calls to AWS that must not be made twice without knowing:
// SES and the services for SMS take no idempotency key, so a request that was
// handed over and not answered may have been carried out.
//
// [Options] gives a call a retryer that repeats it only where nothing was taken:
// a throttle, a refused connection. [Judge] turns the error that is left into a
// [deliver.Failure]. Neither puts what AWS wrote into an error, since it likes to
// repeat addresses.
package once
