// Package porttest holds one acceptance suite per store port. Each runs against
// every implementation, embedded or on AWS, and uses nothing but the port and
// the pure rules behind it, so that what passes here behaves alike everywhere.
//
// A suite is given a function that opens an empty store; it is called once per
// subtest.
package porttest
