// Package announce is everything that changes an incident: alarms that open or
// join one, operators who publish, correct and retract, and what falls due by
// itself. Every change, whatever its cause, goes through one path, commit.go:
// the incident, the update, its texts, what falls due because of it and the
// outbox item that makes sure it is told are one transaction; then the pointer
// is published at once, and if that fails, the sweep publishes it.
package announce
