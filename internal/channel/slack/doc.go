// Package slack posts to rooms in Slack, or in anything that takes Slack's
// incoming webhooks, in one of two ways that the credential decides.
//
// With the URL of an incoming webhook each stage is a post of its own. With a
// bot token there is one post per incident: every further stage rewrites it, so
// that whoever opens the room reads how things stand, and adds a reply in its
// thread, which notifies those who follow.
package slack
