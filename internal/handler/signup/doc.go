// Package signup serves the pages on which people sign up for notices, confirm,
// change what they get, and stop: /subscribe, /confirm, /manage, /unsubscribe.
//
// Reading changes nothing: GET and HEAD show a page with a button, since mail
// scanners open every link. The one exception to pages is the POST that mail
// programs send for a one-click unsubscribe (RFC 8058): it is answered without
// cookies and without a redirect. There is no script, no cookie and nothing
// from another server; links begin at the configured public URL, whatever the
// request says its host is. A known address and an unknown one get the same
// answer, byte for byte.
package signup
