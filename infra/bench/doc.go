// Command bench measures what the budgets are about: how long a
// cold start of each function takes beside the smallest function there is, in
// the same run, and how large each binary is. AWS is a server on loopback that
// knows an empty stack, so that only our own time counts.
//
//	go run ./infra/bench
//
// It ends 1 where a budget is not met. Measure on a machine that does nothing
// else.
package main
