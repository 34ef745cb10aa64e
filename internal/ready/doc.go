// Package ready tells before an outage what would keep updates from their
// readers, and what one update to everybody takes: minutes and dollars. It only
// reads. What it cannot find out it says, and it makes up no number: where a price
// is not known, there is none.
//
// The checks stand in a fixed order and each says what to do next. Prices are
// list prices with their date and source, see [Prices]; a bill may differ.
package ready
