// Package bulk simulates big numbers: a fresh drain of up to ten million
// recipients, and a storm of a hundred thousand alarms. The use cases and
// handlers are the ones that ship; the clock is virtual, and everything runs on
// one thread, so that the same options give the same figures.
//
// [Drain] keeps what the ports keep in a compact form of its own, since ten
// million lines of JSON are no longer cheap. The shared suites of package
// porttest hold for it as they do for any other store, and its readers are those
// of a real book. [Runs] lists the drains with what they must come to.
//
// [Storm] runs on the memory backend of package embedded, alarm queue to
// provider. What is assumed of the machinery around the handlers, such as how
// many pollers there are and how long an invocation takes, stands in constants.
package bulk
