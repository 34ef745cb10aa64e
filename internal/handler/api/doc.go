// Package api is the operators' HTTP interface under /v1: incidents and what is
// done with them, the plan, components, signals, channels. The OpenAPI document
// comes from the Go types. Every route names the role it needs, and a request
// without a key that has it is refused; faults come back as RFC 9457 problems,
// all at once, with pointers into the body.
package api
