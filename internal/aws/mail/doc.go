// Package mail sends email by SES, one raw call per recipient.
//
// The message is built by internal/channel/email and handed over as it is; SES
// replaces its Message-ID and Date. What comes back later is matched by message
// tags, see [Tags].
package mail
