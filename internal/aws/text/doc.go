// Package text sends SMS, one call per recipient, in one of two ways behind one
// idea: [SNS] needs nothing but an account, [EUM] sends from an origination
// identity of End User Messaging SMS and knows more.
//
// What AWS answers differs. SNS accepts a message and only then finds that the
// number opted out, that it costs too much or that the month's money is spent,
// which its delivery log tells and nobody else; EUM refuses at once. So readiness
// reads the limits of both, see [Account].
package text
