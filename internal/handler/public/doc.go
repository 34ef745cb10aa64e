// Package public is the page of an incident for its readers: /i/{id}, where
// every link in a message leads.
//
// It shows what was announced, in the words that were stored and sent, and
// nothing else: a fact that is known inside and was never told stays inside. An
// incident that nobody outside was told of does not exist here, and the page
// that says so is the same as for any made-up address.
package public
