// Package enginetest starts engines that imitate AWS on loopback, for contract
// tests: moto and ministack. It is no part of what ships. What each engine gets
// wrong stands beside the tests that meet it.
//
// The tests that use it have the build tag contract, since they need Python with
// both engines; .ci/run installs them. A missing engine fails the test.
package enginetest
