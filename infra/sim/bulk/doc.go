// Package bulk simulates big numbers: a fresh drain of up to ten million
// recipients, and a storm of a hundred thousand alarms. The use cases and
// handlers are the ones that ship; the clock is virtual, and everything runs on
// one thread, so that the same options give the same figures.
//
// [Drain] keeps what the ports keep in a compact form of its own, since ten
// million lines of JSON are no longer cheap. The shared suites of package
// porttest hold for it as they do for any other store. [Storm] runs on the
// memory backend of package embedded.
package bulk
