package handler

import "time"

// Parked is a message of one of our own queues that can never be handled. It
// names recipients by their keyed hash, never by address.
type Parked struct {
	Queue string    `json:"queue"`
	Why   string    `json:"why"`
	At    time.Time `json:"at"`
	Body  string    `json:"body" doc:"The message as it was found, cut to 8 KiB."`
}
