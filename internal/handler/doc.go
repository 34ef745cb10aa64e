// Package handler is where AWS events become calls of use cases and back. It
// knows the JSON field names of AWS and nothing of outages: it decodes, bounds
// and hands over, answers for each record of a batch alone, and turns a kind of
// error into an HTTP status or into "leave it on the queue".
//
// [Alarm], [FanOut], [Delivery], [Receipt] and [Due] are values whose Handle method suits
// lambda.NewHandler. [Serve] puts an http.Handler behind an HTTP API.
//
// It decides nothing about incidents, makes no context deadline, starts no
// goroutine and never asks for the time: the clock is a field.
package handler
