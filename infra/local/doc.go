// Command local is the whole of Shirase as one program on one machine: the same
// handlers that run on AWS, invoked with the same events, over the embedded
// engine. It serves the API and the pages on loopback and shows in its inbox
// what each recipient saw.
//
//	go run ./infra/local             serve, with data in .shirase
//	go run ./infra/local -demo       play an outage and keep serving
//	go run ./infra/local -demo -once play it and end, with status 1 if anything is missing
//	go run ./infra/local plan check FILE
package main
