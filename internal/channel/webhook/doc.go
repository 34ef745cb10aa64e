// Package webhook calls the endpoints of those who asked for it, signed as the
// Standard Webhooks say, so that a receiver may use any library that follows
// them. It calls strangers, so it takes only the guarded client.
//
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
package webhook
