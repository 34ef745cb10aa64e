// Package record holds the JSON in which every store keeps what package
// subscribe gives it. It exists because a domain value must not be encoded as it
// is: an address masks itself wherever it is printed, and only a record reveals
// it. Whatever decodes into no record at all was not written by us.
//
// It is no store: keys, versions and conditions belong to the adapters.
package record
