// Package email sends mail over SMTP, one recipient per message, and builds the
// messages that other ways of sending mail hand over as they are.
//
// A message is the same bytes at every try: its Message-ID, its boundary and
// its date come from the envelope. Every mail of an incident refers to one root
// that was never sent, so that readers see one thread.
package email
