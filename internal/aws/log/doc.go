// Package log makes the logger of a function: JSON lines in the form that Lambda
// filters by level, with the request and trace they belong to, with metrics where
// a line has them, and with nothing that a type keeps to itself.
//
// Only plain values are written: texts, numbers, times, errors, and what a value
// says of itself by LogValue. A struct, a slice or a map that was logged by mistake
// leaves its type in the line and nothing else, since it may hold an address or a
// secret.
package log
