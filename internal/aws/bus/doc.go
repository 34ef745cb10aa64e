// Package bus tells the fan-out of updates by Amazon SNS, and people directly
// where SNS email does: operators, and in starter mode a few customers.
//
//   - [Bus] publishes one pointer for each update or memo, and beside it the
//     engineering text for operators who subscribed to the topic by mail.
//   - [Publisher] is the bus for package subscribe.
//
// Nobody's address is here: SNS knows who subscribed. A topic's policy decides who
// may, so that what goes on a topic is what all of its readers may read. Of the
// client a bus keeps one call, so that a function links that alone
// (docs/decisions/0011-small-binaries.md).
package bus
