// Package runtime runs the binary of a function as Lambda does: it serves the
// Runtime API on loopback, hands the process one event after the other and reads
// what it answers. Tests prove with it that what ships answers real events, and
// infra/bench measures cold starts.
//
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
package runtime
